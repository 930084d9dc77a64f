import { brandAs, type DomainName, type RegionId } from '@parley/domain';
import { EU } from './fixtures';
import { house, named, refusal } from './house';

const name = named('room');
const region = EU.id;

describe('admit', () => {
  it('opens a room for a visitor and makes the first one host', async () => {
    const { entry, domain, find } = house();
    const { room, claims, role } = await entry.admit({ domain, name, region, displayName: 'Ada' });
    expect(room.id).toBe((await find('room'))?.id);
    expect(role).toBe('host');
    expect(claims.id).toMatch(/^tk_[0-9a-f]{32}$/);
    expect(claims).toEqual({
      id: claims.id,
      region,
      room: room.id,
      domain,
      roomName: name,
      role: 'by-arrival',
      passwordVersion: 0,
      userId: '',
      displayName: 'Ada',
    });
  });

  it('makes a guest of whoever comes later, or comes without the host key', async () => {
    const { entry, rooms, owner, domain, live } = house();
    const { room } = await entry.admit({ domain, name, region });
    live.enter(room.id, 's1');
    expect((await entry.admit({ domain, name, region })).role).toBe('guest');
    const other = named('with key');
    await rooms.init(owner, { domain, name: other, addHostKey: true });
    expect((await entry.admit({ domain, name: other, region })).role).toBe('guest');
  });

  it('lets the host key pass lock and password, and nobody else', async () => {
    const { entry, rooms, owner, domain } = house();
    const { hostKey } = await rooms.init(owner, { domain, name, addHostKey: true, locked: true, password: 'p' });
    const host = await entry.admit({ domain, name, region, hostKey: hostKey! });
    expect(host).toMatchObject({ role: 'host', claims: { role: 'host', passwordVersion: 'exempt' } });
    expect(await refusal(entry.admit({ domain, name, region, password: 'p' }))).toBe('room_locked');
    expect(await refusal(entry.admit({ domain, name, region, hostKey: 'wrong', password: 'p' }))).toBe(
      'wrong_host_key',
    );
  });

  it('asks for the password and notes its version', async () => {
    const { entry, rooms, owner, domain } = house();
    await rooms.init(owner, { domain, name, password: 'old' });
    await rooms.setPassword(owner, domain, name, 'new');
    for (const password of [undefined, '', 'old', 'newer']) {
      expect(await refusal(entry.admit({ domain, name, region, password }))).toBe('wrong_password');
    }
    expect((await entry.admit({ domain, name, region, password: 'new' })).claims.passwordVersion).toBe(2);
  });

  it('refuses a full room, not counting trusted services', async () => {
    const { entry, rooms, owner, domain, live } = house({ capacity: 2 });
    const { id, hostKey } = await rooms.init(owner, { domain, name, addHostKey: true });
    live.enter(id, 's1');
    live.enter(id, 's2', { kind: 'internal' });
    await entry.admit({ domain, name, region });
    live.enter(id, 's3');
    expect(await refusal(entry.admit({ domain, name, region }))).toBe('room_full');
    expect(await refusal(entry.admit({ domain, name, region, hostKey: hostKey! }))).toBe('room_full');
  });

  it('opens nothing for a host key, whose room must be there', async () => {
    const { entry, bookings, owner, domain, find, in: later } = house();
    const admit = () => refusal(entry.admit({ domain, name, region, hostKey: 'k' }));
    expect(await admit()).toBe('room_not_found');
    await bookings.add(owner, { domain, roomName: name, validUntil: later(60) });
    expect(await admit()).toBe('room_booked');
    expect(await find('room')).toBeNull();
  });

  it('sends people of other regions away, before anything is opened', async () => {
    const { entry, domain, find } = house();
    const us = brandAs<RegionId>('us-1');
    expect(await refusal(entry.admit({ domain, name, region: us }))).toBe('wrong_region');
    expect(await refusal(entry.admit({ domain, name, region: us, hostKey: 'k' }))).toBe('wrong_region');
    expect(await find('room')).toBeNull();
    expect(await refusal(entry.admit({ domain: brandAs<DomainName>('no.test'), name, region }))).toBe(
      'domain_not_found',
    );
  });

  it('refuses a display name that is too long', async () => {
    const { entry, domain } = house();
    expect(await refusal(entry.admit({ domain, name, region, displayName: 'x'.repeat(129) }))).toBe('invalid_input');
  });
});

describe('recheck', () => {
  it('answers the rules as they are now', async () => {
    const { entry, rooms, owner, domain } = house();
    const { claims } = await entry.admit({ domain, name, region });
    await rooms.setLock(owner, domain, name, true);
    expect((await entry.recheck(claims)).policy).toMatchObject({ version: 2, locked: true });
  });

  it('refuses a ticket for a former opening', async () => {
    const { entry, rooms, bookings, owner, domain, in: later } = house();
    const { claims } = await entry.admit({ domain, name, region });
    await rooms.destroy(owner, domain, name, true);
    expect(await refusal(entry.recheck(claims))).toBe('room_not_found');
    await rooms.openByVisitor(domain, name);
    expect(await refusal(entry.recheck(claims))).toBe('room_not_found');
    await rooms.destroy(owner, domain, name, true);
    await bookings.add(owner, { domain, roomName: name, validUntil: later(60) });
    expect(await refusal(entry.recheck(claims))).toBe('room_booked');
  });

  it('refuses while the room is being closed', async () => {
    const { entry, rooms, owner, domain, live } = house();
    const { claims } = await entry.admit({ domain, name, region });
    const during: string[] = [];
    live.once('beginClosing', async () => {
      during.push(await refusal(entry.recheck(claims)), await refusal(entry.admit({ domain, name, region })));
    });
    await rooms.destroy(owner, domain, name, true);
    expect(during).toEqual(['room_closing', 'room_closing']);
  });
});

describe('rooms of a foreign backend', () => {
  it('are not for visitors: neither theirs nor a name that might become one', async () => {
    const { entry, rooms, memory, domain } = house();
    memory.addBackend(domain, { foreignEntry: false });
    await rooms.openForBackend(domain, name);
    expect(await refusal(entry.admit({ domain, name, region }))).toBe('entry_not_allowed');
    expect(await refusal(entry.admit({ domain, name, region, hostKey: 'any' }))).toBe('entry_not_allowed');
    expect(await refusal(entry.admit({ domain, name: named('token2'), region }))).toBe('entry_not_allowed');
  });

  it('shut the door also to tickets from before', async () => {
    const { entry, rooms, memory, domain } = house();
    memory.addBackend(domain, { foreignEntry: true });
    await rooms.openForBackend(domain, name);
    const { claims } = await entry.admit({ domain, name, region });
    expect((await entry.recheck(claims)).room.openedBy).toBe('backend');
    memory.addBackend(domain, { foreignEntry: false });
    expect(await refusal(entry.recheck(claims))).toBe('entry_not_allowed');
  });

  it('leave alone what the owner of the domain opened by API', async () => {
    const { entry, rooms, owner, memory, domain } = house();
    memory.addBackend(domain, { foreignEntry: false });
    await rooms.init(owner, { domain, name });
    expect((await entry.admit({ domain, name, region })).room.openedBy).toBe('api');
  });
});
