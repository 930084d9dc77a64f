import type { Room } from '@parley/domain';
import { house, named } from './house';

const ROOM = named('room');

describe('destroy', () => {
  it('closes an empty room: the door first, then PostgreSQL with its event, then live state', async () => {
    const { rooms, owner, domain, live, memory, clock, find, events } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    live.once('finishClosing', async () => {
      expect(live.isClosing(id)).toBe(true);
      expect(await find('room')).toBeNull();
      expect(events()).toEqual(['room.created room 1', 'room.removed room 2']);
    });
    expect(await rooms.destroy(owner, domain, ROOM, false)).toBe(true);
    expect(live.log).toEqual([`finish ${id}`]);
    expect(await memory.stores.rooms.findById(id)).toMatchObject({ closing: false, closedAt: clock.now() });
  });

  it('leaves an occupied room as it is, unless forced', async () => {
    const { rooms, owner, domain, live, events, find } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    live.enter(id, 's1');
    expect(await rooms.destroy(owner, domain, ROOM, false)).toBe(false);
    expect(await find('room')).toMatchObject({ id, closing: false });
    expect([events(), live.log]).toEqual([['room.created room 1'], []]);
    expect(await rooms.destroy(owner, domain, ROOM, true)).toBe(true);
    expect(await live.members(id)).toEqual([]);
  });

  it('tells of the end once, however many destroy at the same time', async () => {
    const { rooms, owner, domain, events } = house();
    await rooms.init(owner, { domain, name: ROOM });
    const answers = await Promise.allSettled([1, 2, 3].map(() => rooms.destroy(owner, domain, ROOM, true)));
    expect(answers.map((each) => each.status)).toContain('fulfilled');
    expect(events()).toEqual(['room.created room 1', 'room.removed room 2']);
  });

  it('opens the door again when the database refuses', async () => {
    const { rooms, owner, domain, live, memory, find } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    live.once('beginClosing', () => {
      memory.stores.rooms.close = () => Promise.reject(new Error('the database is down'));
    });
    await expect(rooms.destroy(owner, domain, ROOM, true)).rejects.toThrow('the database is down');
    expect(live.log).toEqual([`undo ${id}`]);
    expect(live.isClosing(id)).toBe(false);
    expect(await find('room')).toMatchObject({ id, closing: false });
  });
});

describe('the sweeper of half-done closings', () => {
  it('waits 10 s, then finishes what the database had not decided', async () => {
    const { rooms, owner, domain, live, pass, events, find } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    live.once('beginClosing', () => Promise.reject(new Error('killed here')));
    await expect(rooms.destroy(owner, domain, ROOM, false)).rejects.toThrow('killed here');
    expect(await rooms.sweepStuckClosings(pass(10))).toEqual({ done: 0, failures: [] });
    expect(await find('room')).toMatchObject({ closing: true });
    expect(await rooms.sweepStuckClosings(pass(1))).toEqual({ done: 1, failures: [] });
    expect(await find('room')).toBeNull();
    expect(live.log).toEqual([`finish ${id}`]);
    expect(events()).toEqual(['room.created room 1', 'room.removed room 2']);
  });

  it('undoes it when somebody is in', async () => {
    const { rooms, owner, domain, live, pass, find } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    live.once('beginClosing', () => Promise.reject(new Error('killed here')));
    await expect(rooms.destroy(owner, domain, ROOM, false)).rejects.toThrow();
    live.enter(id, 's1');
    await rooms.sweepStuckClosings(pass(11));
    expect(await find('room')).toMatchObject({ closing: false });
  });

  it('deletes the live state of a room that had been closed', async () => {
    const { rooms, owner, domain, live, pass, events } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    live.once('finishClosing', () => Promise.reject(new Error('killed here')));
    await expect(rooms.destroy(owner, domain, ROOM, true)).rejects.toThrow('killed here');
    live.once('finishClosing', () => Promise.reject(new Error('Redis is down')));
    expect(await rooms.sweepStuckClosings(pass(11))).toMatchObject({ done: 0, failures: [{ room: { id } }] });
    expect(await rooms.sweepStuckClosings(pass(1))).toEqual({ done: 1, failures: [] });
    expect(live.log).toEqual([`finish ${id}`]);
    expect(await rooms.sweepStuckClosings(pass(60))).toEqual({ done: 0, failures: [] });
    expect(events()).toEqual(['room.created room 1', 'room.removed room 2']);
  });
});

describe('deadlines', () => {
  it('close a visitor room 300 s unentered', async () => {
    const { rooms, domain, pass, events } = house();
    await rooms.openByVisitor(domain, ROOM);
    expect(await rooms.closeDue(pass(299))).toEqual({ done: 0, failures: [] });
    expect(await rooms.closeDue(pass(1))).toEqual({ done: 1, failures: [] });
    expect(events()).toEqual(['room.created room 1', 'room.removed room 2']);
  });

  it('close a visitor room 20 s after the last leave, and never while somebody is in', async () => {
    const { rooms, domain, pass, find, live } = house();
    const { id } = await rooms.openByVisitor(domain, ROOM);
    live.enter(id, 's1');
    await rooms.occupancyChanged(id, true);
    await rooms.closeDue(pass(86_400));
    expect(await find('room')).toMatchObject({ id, closeAfter: null });
    live.empty(id);
    await rooms.occupancyChanged(id, false);
    await rooms.closeDue(pass(19));
    expect(await find('room')).not.toBeNull();
    await rooms.closeDue(pass(1));
    expect(await find('room')).toBeNull();
  });

  it('do not close a room that is occupied although nobody told', async () => {
    const { rooms, domain, pass, find, live } = house();
    const { id } = await rooms.openByVisitor(domain, ROOM);
    live.enter(id, 's1');
    expect(await rooms.closeDue(pass(300))).toEqual({ done: 0, failures: [] });
    expect(await find('room')).toMatchObject({ id, closing: false, closeAfter: null });
  });

  it('close an API room 24 h unentered or 1 h empty', async () => {
    const { rooms, owner, domain, pass, find } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    await rooms.closeDue(pass(86_399));
    await rooms.occupancyChanged(id, true);
    await rooms.occupancyChanged(id, false);
    await rooms.closeDue(pass(3_599));
    expect(await find('room')).not.toBeNull();
    await rooms.closeDue(pass(1));
    expect(await find('room')).toBeNull();
  });

  it('keep an API room while its booking is valid, and notice a booking that was taken back', async () => {
    const { rooms, bookings, owner, domain, pass, find, in: later } = house();
    const { id } = await rooms.init(owner, { domain, name: ROOM });
    await bookings.add(owner, { domain, roomName: ROOM, validUntil: later(10 * 86_400) });
    await rooms.occupancyChanged(id, false);
    expect(await rooms.closeDue(pass(86_400))).toEqual({ done: 0, failures: [] });
    expect(await find('room')).not.toBeNull();
    await bookings.remove(owner, domain, ROOM);
    await rooms.closeDue(pass(3_600));
    expect(await find('room')).toBeNull();
  });

  it('do not spare a visitor room that is booked', async () => {
    const { rooms, bookings, owner, domain, pass, find, in: later } = house();
    await rooms.openByVisitor(domain, ROOM);
    await bookings.add(owner, { domain, roomName: ROOM, validUntil: later(86_400) });
    await rooms.closeDue(pass(300));
    expect(await find('room')).toBeNull();
  });

  it('are those of the domain; null means never', async () => {
    const { rooms, domain, pass, find } = house({ visitorRooms: { unenteredSeconds: null, emptySeconds: 5 } });
    const { id } = await rooms.openByVisitor(domain, ROOM);
    await rooms.closeDue(pass(10 ** 8));
    expect(await find('room')).not.toBeNull();
    await rooms.occupancyChanged(id, false);
    await rooms.closeDue(pass(5));
    expect(await find('room')).toBeNull();
  });
});

describe('reconcile', () => {
  it('corrects what was noted of every open room, page after page, and makes the rules of occupied ones known', async () => {
    const { rooms, owner, domain, live, find, in: later } = house();
    const opened = [];
    for (let n = 0; n < 120; n += 1) opened.push(await rooms.init(owner, { domain, name: named(`room ${n}`) }));
    const [first, second] = opened;
    for (const room of opened.slice(0, 110)) live.enter(room.id, 's1');
    expect(await rooms.reconcile()).toEqual({ done: 110, failures: [] });
    expect(await find('room 0')).toMatchObject({ closeAfter: null });
    expect(live.log).toContain(`policy ${first?.id} v1`);
    live.empty(second!.id);
    expect(await rooms.reconcile()).toEqual({ done: 1, failures: [] });
    expect(await find('room 1')).toMatchObject({ closeAfter: later(3_600) });
    expect(await rooms.reconcile()).toEqual({ done: 0, failures: [] });
  });

  it('gives rooms the capacity that their domain has by then, tells it, and leaves alone what was closed', async () => {
    const home = house({ capacity: 7 });
    const { rooms, owner, domain, live, memory } = home;
    for (const name of ['one', 'two', 'three']) await rooms.init(owner, { domain, name: named(name) });
    // In the order in which they are looked at.
    const [first, second, third] = (await memory.stores.rooms.openAfter(null, 9)).map(({ room }) => room);
    const patch = async (capacity: number) =>
      memory.putDomain({ ...(await memory.stores.tenancy.domain(domain))!, capacity });
    await patch(9);
    live.once('members', async () => {
      await patch(12);
      await rooms.setCapacity(domain, 12);
      await rooms.destroy(owner, domain, third!.name, true);
    });
    expect(await rooms.reconcile()).toEqual({ done: 2, failures: [] });
    expect((await home.find(first!.name))?.policy.capacity).toBe(12);
    expect((await home.find(second!.name))?.policy.capacity).toBe(12);
    const told = memory.events().flatMap((each) => (each.type === 'room.updated' ? [each] : []));
    const at = (room: Room | undefined) =>
      told.flatMap(({ roomSessionId, payload }) => (roomSessionId === room?.id ? [payload.capacity] : []));
    expect([at(first), at(second)]).toEqual([[9, 12], [12]]);
  });

  it('goes on after a room that fails and says which', async () => {
    const { rooms, owner, domain, live } = house();
    await rooms.init(owner, { domain, name: named('one') });
    await rooms.init(owner, { domain, name: named('two') });
    live.once('members', () => Promise.reject(new Error('Redis hiccup')));
    const report = await rooms.reconcile();
    expect(report.failures).toHaveLength(1);
    expect(report.failures[0]?.error).toEqual(new Error('Redis hiccup'));
  });
});
