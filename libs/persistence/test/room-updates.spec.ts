import { house, named } from './house';

const ROOM = named('room');

/** What was told of changes: their `changes`, in order. */
function changesIn({ memory }: ReturnType<typeof house>) {
  return memory.events().flatMap((event) => (event.type === 'room.updated' ? [event.payload.changes] : []));
}

it('tells of locks and passwords, without the password, and of nothing that is as it was', async () => {
  const home = house({ capacity: 7 });
  const { rooms, owner, domain, memory } = home;
  const room = await rooms.init(owner, { domain, name: ROOM });
  await rooms.setLock(owner, domain, ROOM, false);
  await rooms.setLock(owner, domain, ROOM, true);
  await rooms.setLock(owner, domain, ROOM, true);
  await rooms.setPassword(owner, domain, ROOM, null);
  await rooms.setPassword(owner, domain, ROOM, 'geheim');
  await rooms.setPassword(owner, domain, ROOM, 'anders');
  await rooms.setPassword(owner, domain, ROOM, null);
  await rooms.init(owner, { domain, name: ROOM, addHostKey: true });
  await rooms.init(owner, { domain, name: ROOM, addHostKey: true });
  expect(changesIn(home)).toEqual([
    { locked: true },
    { passwordSet: true },
    { passwordSet: true },
    { passwordSet: false },
    { hostKeySet: true },
  ]);
  expect(memory.events()[1]).toMatchObject({
    type: 'room.updated',
    seq: 2,
    roomSessionId: room.id,
    payload: { type: 'conference', capacity: 7, locked: true },
  });
  const hostKey = (await home.find('room'))?.hostKey ?? 'none';
  expect(JSON.stringify(memory.events())).not.toMatch(new RegExp(`geheim|anders|${hostKey}`));
});

it('tells of a new capacity, which holds in the rooms of the domain that are open', async () => {
  const home = house({ capacity: 7 });
  const { rooms, owner, domain, live } = home;
  const one = await rooms.init(owner, { domain, name: ROOM });
  const two = await rooms.init(owner, { domain, name: named('two') });
  const outcomes = await rooms.setCapacity(domain, 9);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  expect(await rooms.setCapacity(domain, 9)).toEqual([]);
  expect(changesIn(home)).toEqual([{ capacity: 9 }, { capacity: 9 }]);
  expect((await home.find('two'))?.policy).toMatchObject({ capacity: 9, version: two.policy.version + 1 });
  expect(live.log).toContain(`policy ${one.id} v${one.policy.version + 1}`);
});

it('tells of nothing that was refused', async () => {
  const home = house();
  const { rooms, owner, domain } = home;
  await rooms.init(owner, { domain, name: ROOM });
  await expect(rooms.setPassword(owner, domain, ROOM, '')).rejects.toThrow();
  await rooms.destroy(owner, domain, ROOM, true);
  await expect(rooms.setLock(owner, domain, ROOM, true)).rejects.toThrow();
  expect(home.events()).toEqual(['room.created room 1', 'room.removed room 2']);
});
