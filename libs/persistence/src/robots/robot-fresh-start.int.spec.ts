import { brandAs, type DeliveryId, type RobotId, type SessionId, type WebhookId } from '@parley/domain';
import { eventually } from '@parley/testing';
import { useDeliveryWorld } from '../../test/delivery-world';
import type { PrismaClient } from '../generated/client';
import { RobotDeliveryStore, type HandedDelivery, type WaitingWebhook } from './robot-delivery.store';

const ROBOT = brandAs<RobotId>(1025);
const WEBHOOK = brandAs<WebhookId>(1025);
const [one, two] = [brandAs<SessionId>('session-one'), brandAs<SessionId>('session-two')];
const webhook: WaitingWebhook = { id: WEBHOOK, robot: ROBOT, fifo: false };
const ids = (handed: readonly HandedDelivery[]) => handed.map(({ id }) => id);

const worldOf = useDeliveryWorld();
let prisma: PrismaClient;
let store: RobotDeliveryStore;

beforeEach(async () => {
  prisma = worldOf().prisma;
  store = new RobotDeliveryStore(prisma, 30_000);
  await worldOf().webhook(WEBHOOK, { type: 'robot', robotId: BigInt(ROBOT) });
});

/** In the order they were written in: one for each of these rooms. */
async function relayed(...rooms: readonly string[]): Promise<DeliveryId[]> {
  return (await worldOf().relayed(rooms, WEBHOOK)).map((id) => brandAs<DeliveryId>(id));
}

/** Something of the store that is under way. */
interface Begun {
  readonly outcome: Promise<unknown>;
  isOver: boolean;
}

function begin(outcome: Promise<unknown>): Begun {
  const begun = { outcome, isOver: false };
  const over = () => void (begun.isOver = true);
  outcome.then(over, over);
  return begun;
}

/** Until all of these that are not over wait for a lock. */
async function allWait(...begun: readonly Begun[]): Promise<void> {
  await eventually(
    async () => {
      const [row] = await prisma.$queryRaw<{ waiting: number }[]>`
        SELECT count(*)::int AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      return row?.waiting === begun.filter(({ isOver }) => !isOver).length;
    },
    () => `what was begun to wait, or to be over: ${JSON.stringify(begun.map(({ isOver }) => isOver))}`,
  );
}

/** Another replica takes this back, to be handed again after the pause, and commits when `meanwhile` is over. */
async function takeBackDuring(id: DeliveryId, meanwhile: () => Promise<void>): Promise<void> {
  await prisma.$transaction(
    async (tx) => {
      await tx.$executeRaw`
        UPDATE "WebhookDelivery" SET state = 'pending', "lockedUntil" = NULL, "nextAttemptAt" = now() + interval '5 min'
        WHERE id = ${id}`;
      await meanwhile();
    },
    { timeout: 60_000 },
  );
}

test('after three times in vain there is a pause, which a robot that comes anew ends', async () => {
  await relayed('a');
  for (let n = 1; n <= 3; n += 1) {
    expect(await store.hand(webhook, [one])).toHaveLength(1);
    await store.letGo(one);
  }
  expect(await store.waiting([ROBOT])).toEqual([]);
  expect(await store.hand(webhook, [one])).toEqual([]);
  await store.freshStart(brandAs<RobotId>(2049));
  expect(await store.waiting([ROBOT])).toEqual([]);
  await store.freshStart(ROBOT);
  expect(await store.hand(webhook, [one])).toHaveLength(1);
});

test.each([1, 2])(
  'what another replica takes back while a robot comes anew %i times is not left to the pause',
  async (times) => {
    const [id] = await relayed('a');
    await store.hand(webhook, [one]);
    const begun: Begun[] = [];
    await takeBackDuring(id!, async () => {
      for (let n = 1; n <= times; n += 1) begun.push(begin(store.freshStart(ROBOT)));
      await allWait(...begun);
    });
    await Promise.all(begun.map(({ outcome }) => outcome));
    expect(ids(await store.hand(webhook, [two]))).toEqual([id]);
  },
);

test.each(['a session says good-bye', 'it cannot be told'])(
  'when %s, what was handed to it is for others at once, also while its robot comes anew',
  async (why) => {
    const [mine, others] = await relayed('a', 'b');
    const [handed] = await store.hand(webhook, [one, two]);
    const end = why === 'it cannot be told' ? () => store.refuse(handed!, why) : () => store.letGo(one);
    const begun: Begun[] = [];
    await takeBackDuring(others!, async () => {
      begun.push(begin(store.freshStart(ROBOT)));
      await allWait(...begun);
      begun.push(begin(end()));
      await allWait(...begun);
    });
    await Promise.all(begun.map(({ outcome }) => outcome));
    expect(ids(await store.hand(webhook, [two, two]))).toEqual([mine, others]);
  },
);

test('all that lock several do it in the order of their ids, so that none waits for another in a circle', async () => {
  const all = await relayed(...Array<string>(10).fill('a'));
  // The 10th stands before the 9th: ids end with the number. Whatever is in the order of the events comes to it later.
  const [ninth, tenth] = all.slice(8);
  const whileTenthIsLocked = async (begun: () => Promise<unknown>): Promise<void> => {
    const under: Begun[] = [];
    await prisma.$transaction(
      async (tx) => {
        await tx.$queryRaw`SELECT 1 FROM "WebhookDelivery" WHERE id = ${tenth} FOR UPDATE`;
        under.push(begin(begun()));
        await allWait(...under);
        expect(under).toMatchObject([{ isOver: false }]);
        await tx.$queryRaw`SELECT 1 FROM "WebhookDelivery" WHERE id = ${ninth} FOR UPDATE NOWAIT`;
      },
      { timeout: 60_000 },
    );
    await Promise.all(under.map(({ outcome }) => outcome));
  };
  await store.hand(webhook, Array<SessionId>(10).fill(one));
  await whileTenthIsLocked(() => store.freshStart(ROBOT));
  await whileTenthIsLocked(() => store.letGo(one));
  await prisma.$executeRaw`UPDATE "WebhookDelivery" SET "nextAttemptAt" = now() + interval '5 min'`;
  await whileTenthIsLocked(() => store.freshStart(ROBOT));
  expect(ids(await store.hand(webhook, Array<SessionId>(10).fill(two)))).toEqual(all);
});
