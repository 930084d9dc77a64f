import { brandAs, type Room, type RoomName, type RoomSessionId } from '@parley/domain';
import { room } from './fixtures';
import type { StoresUnderTest } from './stores-under-test';

const name = (text: string): RoomName => brandAs<RoomName>(text);
const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, seconds));

/** What every store of rooms promises. */
export function roomTests(db: () => StoresUnderTest): void {
  const insert = (value: Room): Promise<boolean> => db().uow.run((stores) => stores.rooms.insert(value));

  it('answers a room as it was stored, secrets included', async () => {
    const stored = room({
      domain: db().domain,
      password: 'pass wörd',
      hostKey: 'k',
      closeAfter: at(9),
      openedAt: at(1),
    });
    await insert(stored);
    const found = await db().uow.run((stores) => stores.rooms.findOpen(stored.domain, stored.name));
    expect(found).toEqual({ ...stored, closing: false, closedAt: null });
    expect(await db().uow.run((stores) => stores.rooms.findById(stored.id))).toEqual(found);
    expect(await db().uow.run((stores) => stores.rooms.findOpen(db().otherDomain, stored.name))).toBeNull();
  });

  it('lets one of many who open the same name at once win', async () => {
    const rooms = Array.from({ length: 10 }, () => room({ domain: db().domain }));
    const won = await Promise.all(rooms.map(insert));
    expect(won.filter(Boolean)).toHaveLength(1);
    const [open] = await db().uow.run((stores) => stores.rooms.listOpen(db().domain));
    expect(open?.id).toBe(rooms[won.indexOf(true)]?.id);
  });

  it('keeps a transaction usable after a lost race', async () => {
    const first = room({ domain: db().domain });
    await insert(first);
    const found = await db().uow.run(async (stores) => {
      expect(await stores.rooms.insert(room({ domain: db().domain }))).toBe(false);
      return stores.rooms.findOpen(first.domain, first.name);
    });
    expect(found?.id).toBe(first.id);
  });

  it('takes the same name in another domain, and again after the first was closed', async () => {
    const first = room({ domain: db().domain });
    await insert(first);
    expect(await insert(room({ domain: db().otherDomain }))).toBe(true);
    await db().uow.run((stores) => stores.rooms.close(first.id, at(2)));
    expect(await insert(room({ domain: db().domain }))).toBe(true);
  });

  it('raises the versions with each change', async () => {
    const { id, domain } = room({ domain: db().domain, id: brandAs<RoomSessionId>('rs_change') });
    await insert(room({ domain, id }));
    const change = async (changes: object) => (await db().uow.run((stores) => stores.rooms.change(id, changes)))?.after;
    expect(await change({ locked: true })).toMatchObject({ policy: { version: 2, locked: true, passwordVersion: 0 } });
    expect(await change({ password: 'p' })).toMatchObject({
      password: 'p',
      policy: { version: 3, passwordVersion: 1 },
    });
    expect(await change({ password: null })).toMatchObject({
      password: null,
      policy: { version: 4, passwordVersion: 2 },
    });
    expect(await change({ type: 'webinar', capacity: 3 })).toMatchObject({
      policy: { version: 5, type: 'webinar', capacity: 3, locked: true, passwordVersion: 2 },
    });
  });

  it('says how a room was before a change, also when many change it at once', async () => {
    const { id } = room({ domain: db().domain });
    await insert(room({ domain: db().domain, id }));
    const changed = await Promise.all(
      Array.from({ length: 6 }, (_, n) => db().uow.run((stores) => stores.rooms.change(id, { locked: n % 2 === 0 }))),
    );
    const steps = changed.map((each) => [each?.before.policy.version, each?.after.policy.version]);
    expect(steps.sort()).toEqual([1, 2, 3, 4, 5, 6].map((version) => [version, version + 1]));
    const byVersion = new Map(changed.map((each) => [each?.after.policy.version, each?.after.policy.locked]));
    for (const each of changed) {
      const { version, locked } = each!.before.policy;
      expect(locked).toBe(version === 1 ? false : byVersion.get(version));
    }
  });

  it('sets a host key once, whoever asks at the same time', async () => {
    const { id } = room({ domain: db().domain });
    await insert(room({ domain: db().domain, id }));
    const keys = await Promise.all(
      ['one', 'two', 'three', 'four'].map((hostKey) => db().uow.run((stores) => stores.rooms.change(id, { hostKey }))),
    );
    expect(new Set(keys.map((changed) => changed?.after.hostKey)).size).toBe(1);
    expect(keys[0]?.after.policy).toMatchObject({ version: 2, hasHostKey: true });
  });

  it('changes nothing in a closed room', async () => {
    const { id } = room({ domain: db().domain });
    await insert(room({ domain: db().domain, id }));
    await db().uow.run((stores) => stores.rooms.close(id, at(2)));
    expect(await db().uow.run((stores) => stores.rooms.change(id, { locked: true }))).toBeNull();
    await db().uow.run((stores) => stores.rooms.setOccupancy(id, true, at(5)));
    expect(await db().uow.run((stores) => stores.rooms.findById(id))).toMatchObject({
      closedAt: at(2),
      closeAfter: null,
      policy: { locked: false },
    });
  });

  it('pages through all open rooms with their occupancy and what their domain lets in', async () => {
    const ids = ['rs_1', 'rs_2', 'rs_3'].map((id) => brandAs<RoomSessionId>(id));
    for (const id of ids) await insert(room({ domain: db().domain, id, name: name(id) }));
    await db().uow.run((stores) => stores.rooms.setOccupancy(ids[1]!, true, null));
    const page = (after: RoomSessionId | null) => db().uow.run((stores) => stores.rooms.openAfter(after, 2));
    expect((await page(null)).map((each) => [each.room.id, each.occupied, each.domainCapacity])).toEqual([
      ['rs_1', false, 100],
      ['rs_2', true, 100],
    ]);
    expect((await page(ids[1]!)).map((each) => each.room.id)).toEqual(['rs_3']);
    expect(await page(ids[2]!)).toEqual([]);
  });
}

/** What every store of rooms promises about their end. */
export function closingTests(db: () => StoresUnderTest): void {
  const insert = async (changes: Partial<Room>): Promise<Room> => {
    const value = room({ domain: db().domain, ...changes });
    await db().uow.run((stores) => stores.rooms.insert(value));
    return value;
  };

  it('lets one of many end a room', async () => {
    const { id } = await insert({});
    const ended = await Promise.all([1, 2, 3, 4].map((n) => db().uow.run((stores) => stores.rooms.close(id, at(n)))));
    expect(ended.filter(Boolean)).toHaveLength(1);
  });

  it('finds what is overdue, the longest first, but not what is being closed', async () => {
    const late = await insert({ name: name('late'), closeAfter: at(10) });
    const later = await insert({ name: name('later'), closeAfter: at(5) });
    const closing = await insert({ name: name('closing'), closeAfter: at(5) });
    await insert({ name: name('not yet'), closeAfter: at(21) });
    await insert({ name: name('never'), closeAfter: null });
    await db().uow.run((stores) => stores.rooms.markClosing(closing.id, at(11)));
    const due = await db().uow.run((stores) => stores.rooms.due(at(20), 10));
    expect(due.map((each) => each.id)).toEqual([later.id, late.id]);
    expect(await db().uow.run((stores) => stores.rooms.due(at(20), 1))).toHaveLength(1);
  });

  it('keeps a closing findable until its live state is gone too', async () => {
    const { id } = await insert({});
    const stuck = async () => (await db().uow.run((stores) => stores.rooms.stuckClosing(at(10), 9))).map((r) => r.id);
    expect(await db().uow.run((stores) => stores.rooms.markClosing(id, at(1)))).toBe(true);
    expect(await db().uow.run((stores) => stores.rooms.findById(id))).toMatchObject({ closing: true, closedAt: null });
    expect(await stuck()).toEqual([id]);
    await db().uow.run((stores) => stores.rooms.close(id, at(2)));
    await db().uow.run((stores) => stores.rooms.clearClosing(id));
    expect(await stuck()).toEqual([id]);
    await db().uow.run((stores) => stores.rooms.closingDone(id));
    expect(await stuck()).toEqual([]);
    expect(await db().uow.run((stores) => stores.rooms.markClosing(id, at(3)))).toBe(false);
  });

  it('takes a mark back from an open room', async () => {
    const { id } = await insert({});
    await db().uow.run((stores) => stores.rooms.markClosing(id, at(1)));
    await db().uow.run((stores) => stores.rooms.closingDone(id));
    expect(await db().uow.run((stores) => stores.rooms.findById(id))).toMatchObject({ closing: true });
    await db().uow.run((stores) => stores.rooms.clearClosing(id));
    expect(await db().uow.run((stores) => stores.rooms.findById(id))).toMatchObject({ closing: false });
  });

  it('remembers whether the last room of a name was protected', async () => {
    const wasProtected = (since: Date) =>
      db().uow.run((stores) => stores.rooms.wasProtectedSince(db().domain, name('room'), since));
    const first = await insert({ name: name('room'), hostKey: 'k' });
    expect(await wasProtected(at(0))).toBe(false);
    await db().uow.run((stores) => stores.rooms.close(first.id, at(10)));
    expect(await wasProtected(at(9))).toBe(true);
    expect(await wasProtected(at(10))).toBe(false);
    const second = await insert({ name: name('room') });
    await db().uow.run((stores) => stores.rooms.close(second.id, at(20)));
    expect(await wasProtected(at(9))).toBe(false);
  });
}
