import { brandAs, type DomainName, type SessionId } from '@parley/domain';
import { house, named, refusal } from './house';

const ROOM = named('room');

describe('init', () => {
  it('opens a room and tells of it, without secrets', async () => {
    const { rooms, owner, domain, memory } = house({ capacity: 7 });
    const room = await rooms.init(owner, { domain, name: ROOM, type: 'webinar', password: 'p4ss', addHostKey: true });
    expect(room).toMatchObject({
      openedBy: 'api',
      password: 'p4ss',
      policy: { version: 1, type: 'webinar', locked: false, capacity: 7, passwordVersion: 1, hasHostKey: true },
    });
    expect(room.id).toMatch(/^rs_eu-1_[0-9a-f]{32}$/);
    expect(room.hostKey).toMatch(/^[0-9a-f]{32}$/);
    expect(memory.events()).toEqual([
      expect.objectContaining({
        type: 'room.created',
        seq: 1,
        roomSessionId: room.id,
        payload: { type: 'webinar', capacity: 7, locked: false },
      }),
    ]);
    expect(JSON.stringify(memory.events())).not.toContain('p4ss');
  });

  it('answers the open room unchanged when the options given agree, and compares no others', async () => {
    const { rooms, owner, domain, live, events } = house();
    const first = await rooms.init(owner, { domain, name: ROOM, type: 'webinar', locked: true, password: 'p' });
    for (const options of [{}, { type: 'webinar' as const }, { locked: true }, { password: 'p' }]) {
      expect(await rooms.init(owner, { domain, name: ROOM, ...options })).toMatchObject({ ...first });
    }
    expect(events()).toEqual(['room.created room 1']);
    expect(live.log).toEqual([]);
  });

  it.each([{ type: 'webinar' as const }, { locked: true }, { password: 'p' }])(
    'refuses %j for an open room that is different',
    async (options) => {
      const { rooms, owner, domain, find } = house();
      const first = await rooms.init(owner, { domain, name: ROOM });
      expect(await refusal(rooms.init(owner, { domain, name: ROOM, ...options }))).toBe('room_exists_differently');
      expect(await find('room')).toMatchObject({ ...first });
    },
  );

  it('refuses another password', async () => {
    const { rooms, owner, domain } = house();
    await rooms.init(owner, { domain, name: ROOM, password: 'one' });
    expect(await refusal(rooms.init(owner, { domain, name: ROOM, password: 'two' }))).toBe('room_exists_differently');
  });

  it('makes a host key for an open room once, and makes it known', async () => {
    const { rooms, owner, domain, live, events } = house();
    const first = await rooms.init(owner, { domain, name: ROOM });
    const second = await rooms.init(owner, { domain, name: ROOM, addHostKey: true });
    const third = await rooms.init(owner, { domain, name: ROOM, addHostKey: true });
    expect(first.hostKey).toBeNull();
    expect(second.hostKey).toMatch(/^[0-9a-f]{32}$/);
    expect(third.hostKey).toBe(second.hostKey);
    expect(live.log).toEqual([`policy ${first.id} v2`]);
    expect(events()).toEqual(['room.created room 1', 'room.updated room 2']);
    expect((await rooms.init(owner, { domain, name: ROOM })).hostKey).toBe(second.hostKey);
  });

  it('is not hindered by a booking, and opens a closed name again with a new id', async () => {
    const { rooms, bookings, owner, domain, events, in: later } = house();
    await bookings.add(owner, { domain, roomName: ROOM, validUntil: later(60) });
    const first = await rooms.init(owner, { domain, name: ROOM });
    await rooms.destroy(owner, domain, ROOM, false);
    expect((await rooms.init(owner, { domain, name: ROOM })).id).not.toBe(first.id);
    expect(events().slice(1)).toEqual(['room.created room 1', 'room.removed room 2', 'room.created room 1']);
  });

  it.each(['', 'x'.repeat(129), 'a\0b'])('refuses the password %j', async (password) => {
    const { rooms, owner, domain } = house();
    expect(await refusal(rooms.init(owner, { domain, name: ROOM, password }))).toBe('invalid_input');
  });

  it('refuses while the room is being closed', async () => {
    const { rooms, owner, domain, live } = house();
    await rooms.init(owner, { domain, name: ROOM });
    let during: Promise<string> | undefined;
    live.once('finishClosing', () => undefined);
    live.once('beginClosing', async () => {
      during = refusal(rooms.init(owner, { domain, name: ROOM }));
      await during;
    });
    await rooms.destroy(owner, domain, ROOM, false);
    expect(await during).toBe('room_closing');
  });
});

describe('tenants', () => {
  it.each([
    ['a foreign domain', 'a.test'],
    ['an unknown domain', 'no.test'],
  ])('answer domain_not_found for %s, whatever is asked', async (_, name) => {
    const { rooms, bookings, owner, stranger, domain, in: later } = house();
    await rooms.init(owner, { domain, name: ROOM });
    const asked = brandAs<DomainName>(name);
    const booking = { domain: asked, roomName: ROOM, validUntil: later(60) };
    const answers = await Promise.all(
      [
        rooms.init(stranger, { domain: asked, name: ROOM }),
        rooms.destroy(stranger, asked, ROOM, true),
        rooms.kickOut(stranger, asked, ROOM, 'all'),
        rooms.setLock(stranger, asked, ROOM, true),
        rooms.setPassword(stranger, asked, ROOM, 'p'),
        rooms.list(stranger, asked),
        bookings.add(stranger, booking),
        bookings.update(stranger, booking),
        bookings.remove(stranger, asked, ROOM),
        bookings.list(stranger, asked),
        bookings.get(stranger, asked, ROOM),
      ].map(refusal),
    );
    expect(new Set(answers)).toEqual(new Set(['domain_not_found']));
  });

  it('see only their own domains in list', async () => {
    const { rooms, owner, stranger, domain } = house();
    await rooms.init(owner, { domain, name: ROOM });
    expect(await rooms.list(stranger)).toEqual([{ domain: 'b.test', rooms: [] }]);
  });
});

describe('changing an open room', () => {
  it('sets lock and password and makes both known', async () => {
    const { rooms, owner, domain, live } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    await rooms.setLock(owner, domain, ROOM, true);
    await rooms.setPassword(owner, domain, ROOM, 'p');
    const room = await rooms.setPassword(owner, domain, ROOM, null);
    expect(room).toMatchObject({ password: null, policy: { version: 4, locked: true, passwordVersion: 2 } });
    expect(live.log).toEqual([`policy ${id} v2`, `policy ${id} v3`, `policy ${id} v4`]);
  });

  it('throws one out, or all, and says when there is no such peer', async () => {
    const { rooms, owner, domain, live } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    for (const peer of ['s1', 's2', 's3']) live.enter(id, peer);
    await rooms.kickOut(owner, domain, ROOM, brandAs<SessionId>('s2'));
    expect((await live.members(id)).map((member) => member.sessionId)).toEqual(['s1', 's3']);
    expect(await refusal(rooms.kickOut(owner, domain, ROOM, brandAs<SessionId>('s2')))).toBe('peer_not_found');
    await rooms.kickOut(owner, domain, ROOM, 'all');
    expect(await live.members(id)).toEqual([]);
    await rooms.kickOut(owner, domain, ROOM, 'all');
  });

  it('answers room_not_found for a room that is not open', async () => {
    const { rooms, owner, domain } = house();
    const answers = await Promise.all(
      [
        rooms.destroy(owner, domain, ROOM, true),
        rooms.kickOut(owner, domain, ROOM, 'all'),
        rooms.setLock(owner, domain, ROOM, true),
        rooms.setPassword(owner, domain, ROOM, null),
      ].map(refusal),
    );
    expect(new Set(answers)).toEqual(new Set(['room_not_found']));
  });

  it('lists rooms with their members', async () => {
    const { rooms, owner, domain, live } = house();
    const room = await rooms.init(owner, { domain, name: ROOM });
    live.enter(room.id, 's1');
    const found = { ...room, closing: false, closedAt: null };
    const expected = [{ domain, rooms: [{ room: found, members: await live.members(room.id) }] }];
    expect(await rooms.list(owner)).toEqual(expected);
    expect(await rooms.list(owner, domain)).toEqual(expected);
  });
});

describe('opening by a visitor', () => {
  it('opens a plain room once and answers it again', async () => {
    const { rooms, domain, events } = house();
    const room = await rooms.openByVisitor(domain, ROOM);
    expect(room).toMatchObject({ openedBy: 'visitor', password: null, hostKey: null });
    expect((await rooms.openByVisitor(domain, ROOM)).id).toBe(room.id);
    expect(events()).toEqual(['room.created room 1']);
  });

  it('is refused while the room is booked, but a booked room that is open lets them in', async () => {
    const { rooms, bookings, owner, domain, pass, in: later } = house();
    await bookings.add(owner, { domain, roomName: ROOM, validUntil: later(60) });
    expect(await refusal(rooms.openByVisitor(domain, ROOM))).toBe('room_booked');
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    expect((await rooms.openByVisitor(domain, ROOM)).id).toBe(id);
    await rooms.destroy(owner, domain, ROOM, false);
    pass(60);
    expect((await rooms.openByVisitor(domain, ROOM)).openedBy).toBe('visitor');
  });

  it('is refused where visitors open nothing, and for 24 h after a protected room', async () => {
    const closed = house({ visitorsMayOpen: false });
    expect(await refusal(closed.rooms.openByVisitor(closed.domain, ROOM))).toBe('room_not_found');

    const { rooms, owner, domain, pass } = house();
    await rooms.init(owner, { domain, name: ROOM, password: 'p' });
    await rooms.destroy(owner, domain, ROOM, false);
    pass(24 * 3600 - 1);
    expect(await refusal(rooms.openByVisitor(domain, ROOM))).toBe('room_reserved');
    pass(1);
    expect((await rooms.openByVisitor(domain, ROOM)).openedBy).toBe('visitor');
  });

  it('leaves a backend its own rules', async () => {
    const { rooms, bookings, owner, domain, in: later } = house({ visitorsMayOpen: false });
    await bookings.add(owner, { domain, roomName: ROOM, validUntil: later(60) });
    expect((await rooms.openForBackend(domain, ROOM)).openedBy).toBe('backend');
  });
});
