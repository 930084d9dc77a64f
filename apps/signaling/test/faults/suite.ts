import { Crowd, type RoomPlan } from './crowd';
import { FaultHouse } from './fault-house';
import { DESERTED } from './member';
import type { Fault } from './faults';
import type { RedisKind } from './redis-behind-gates';

/** For each of two gateways: two who count messages and two who do not. */
const MIXED = [
  [true, false, true, false],
  [true, false, true, false],
];

/** Three rooms of both kinds of people, on both gateways. */
export const TALKING: readonly RoomPlan[] = ['one', 'two', 'three'].map((room) => ({
  room,
  counts: MIXED,
  toRoom: true,
}));

export interface FaultsOptions {
  readonly kind: RedisKind;
  readonly faults: readonly Fault[];
  readonly plans: readonly RoomPlan[];
  /** `PARLEY_TEST_SEED`: chooses anew what was chosen in a run that failed. */
  readonly seed: string | undefined;
  /** What must hold before the fault. */
  readonly before?: (house: FaultHouse, crowd: Crowd) => Promise<void>;
}

/** Plays every fault that this kind of Redis knows, each with replicas and people of its own. */
export function faultsSuite({ kind, faults, plans, seed: given, before }: FaultsOptions): void {
  describe(`gateways on ${kind}`, () => {
    let house: FaultHouse;
    let number = 0;

    beforeAll(async () => {
      house = await FaultHouse.open(kind);
    }, 120_000);
    afterEach(() => house.clear());
    afterAll(() => house?.close());

    it.each(faults.filter(({ kinds }) => kinds.includes(kind)).map((fault) => [fault.name, fault] as const))(
      '%s: everybody agrees again, in order, nothing lost',
      async (_name, fault) => {
        const seed = Number(given ?? Math.floor(Math.random() * 2 ** 31));
        number += 1;
        const rooms = plans.map((plan) => ({ ...plan, room: `${plan.room}${number}` }));
        await house.startGateways(2);
        const crowd = new Crowd(house, seed);
        try {
          await crowd.gather(rooms);
          await play(house, crowd, fault, before);
        } catch (error) {
          if (error instanceof Error) error.message = `PARLEY_TEST_SEED=${seed}: ${error.message}\n${house.logs()}`;
          throw error;
        } finally {
          await crowd.close();
        }
      },
      240_000,
    );
  });
}

async function play(house: FaultHouse, crowd: Crowd, fault: Fault, before: FaultsOptions['before']): Promise<void> {
  crowd.start();
  await crowd.talks(10);
  await before?.(house, crowd);
  const refusedBefore = crowd.refused;
  await fault.strike(house, crowd);
  await crowd.agrees('after the fault');
  await crowd.talks(10);
  await crowd.finish(fault);
  if (fault.refuses) expect(crowd.refused).toBeGreaterThan(refusedBefore);
  expect(wrongfulEnds(crowd, fault)).toEqual([]);
}

/** Connections that broke for nothing, and sessions that were refused for nothing. */
function wrongfulEnds(crowd: Crowd, fault: Fault): string[] {
  const shaken = new Set(crowd.members.filter(({ wasShaken }) => wasShaken));
  if (fault.fells) for (const member of crowd.at(0)) shaken.add(member);
  const cut = crowd.members.filter((member) => !shaken.has(member));
  const ends = crowd.ledger.lives.flatMap(({ member, over, counts }) => {
    if (over === undefined || over === DESERTED) return [];
    const mayGiveUp = fault.refuses && !counts && over === 'internal_error';
    const mayBeRefused = fault.loses && over === 'no_such_session';
    return mayGiveUp || mayBeRefused ? [] : [`${member} was refused its session with ${over}`];
  });
  return [...cut.flatMap(({ name, losses }) => losses.map((loss) => `${name} lost its connection: ${loss}`)), ...ends];
}
