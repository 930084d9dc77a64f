import { Redis } from 'ioredis';
import type { Crowd } from './faults/crowd';
import type { FaultHouse } from './faults/fault-house';
import { FROZEN, KILLED } from './faults/faults';
import { faultsSuite } from './faults/suite';

const PLAIN = [false, false, false];

/** They speak to each other only, nobody counts messages: what stays on one replica goes past Redis. */
const WHISPERING = [
  { room: 'left', counts: [PLAIN, []], toRoom: false },
  { room: 'right', counts: [[], PLAIN], toRoom: false },
  { room: 'both', counts: [PLAIN, PLAIN], toRoom: false },
];

/** Of what is said in a room of one replica hardly anything goes into the logs of its sessions. */
async function expectShortcut(house: FaultHouse, crowd: Crowd): Promise<void> {
  const redis = new Redis(house.redis.urls[0] ?? '');
  const members = crowd.members.filter(({ traits }) => traits.room.startsWith('left'));
  const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);
  const said = () => sumOf(members.map(({ name }) => crowd.ledger.count('accepted', name)));
  const logged = async () =>
    sumOf(
      await Promise.all(
        members.map(async ({ life }) => Number(await redis.hget(`parley:{s:${life?.session}}:rec`, 'seq'))),
      ),
    );
  const before = { said: said(), logged: await logged() };
  await crowd.talks(10);
  const after = { said: said(), logged: await logged() };
  redis.disconnect();
  expect(after.logged - before.logged).toBeLessThan((after.said - before.said) / 2);
}

faultsSuite({
  kind: 'one Redis',
  faults: [KILLED, FROZEN],
  plans: WHISPERING,
  seed: process.env.PARLEY_TEST_SEED,
  before: expectShortcut,
});
