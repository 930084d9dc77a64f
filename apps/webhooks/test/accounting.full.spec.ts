import { startOwnPostgres, type Answer, type OwnPostgres, type ReceivedRequest } from '@parley/testing';
import { DispatcherProcess } from './dispatcher-process';
import { Ledger, openAndClose } from './ledger';
import { LOSES_JOBS, useWorld } from './world';

let postgres: OwnPostgres;
const world = useWorld(async () => (postgres = await startOwnPostgres()));
const ROOMS = 40;
const QUICK = { ...LOSES_JOBS, WEBHOOKS_PER_SECOND_PER_WEBHOOK: '1000', WEBHOOKS_SWEEP_MS: '500' };
const orders = ['fifo', 'unordered'] as const;

async function dispatcherProcess(): Promise<DispatcherProcess> {
  const dispatcher = await DispatcherProcess.start(world().environment(QUICK));
  world().onEnd(() => dispatcher.kill());
  return dispatcher;
}

describe('every event is accounted for', () => {
  test.each(orders)(
    'while a worker is killed with -9 in the middle of its POSTs, %s',
    async (order) => {
      const domain = await world().domain();
      const receiver = await world().receiver();
      let frozen = false;
      let inTheMiddle = 0;
      // While it is frozen it never answers: those are the POSTs that the worker is killed in.
      const ledger = new Ledger(receiver, (): Answer => {
        if (frozen) inTheMiddle += 1;
        return frozen ? { failure: 'hang' } : {};
      });
      await world().webhook(domain, receiver.url, { order });
      const first = await dispatcherProcess();
      const opening = openAndClose(world(), domain, ROOMS);
      await receiver.waitFor(20, 20_000);
      frozen = true;
      await receiver.waitFor(() => inTheMiddle > 0);
      await first.kill();
      frozen = false;
      await Promise.all([opening, dispatcherProcess()]);
      // What it was just being answered, and had not written down, is told twice: no more than it had under way.
      await ledger.expectAllAndTwice(world(), domain, 4);
      if (order === 'fifo') ledger.expectInOrder();
      const tries = await world().database.prisma.webhookAttempt.findMany({
        where: { delivery: { event: { domainName: domain } } },
      });
      // The attempts of the dead count for nobody.
      expect(tries.every(({ number, outcome }) => number === 1 && outcome === 'delivered')).toBe(true);
    },
    180_000,
  );

  test.each(orders)(
    'while PostgreSQL restarts, two dispatchers, a receiver that fails now and then, %s',
    async (order) => {
      const domain = await world().domain();
      const receiver = await world().receiver();
      const moody = (_request: ReceivedRequest, number: number): Answer => ({
        ...(number % 9 === 0 && { status: 503 }),
        delayMs: 10,
      });
      const ledger = new Ledger(receiver, moody);
      await world().webhook(domain, receiver.url, { order });
      await openAndClose(world(), domain, ROOMS);
      const tuning = { nextDelay: () => 20 };
      await Promise.all([world().dispatcher(QUICK, tuning), world().dispatcher(QUICK, tuning)]);
      for (const seen of [10, 40]) {
        await receiver.waitFor(seen, 30_000);
        await postgres.stop();
        await postgres.start();
      }
      // An outcome is kept until the database is back. Where that takes longer than a claim lasts, what was just being sent,
      // four at most each time, is told twice.
      await ledger.expectAllAndTwice(world(), domain, 8);
      if (order === 'fifo') ledger.expectInOrder();
    },
    180_000,
  );
});
