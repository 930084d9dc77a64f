import { nextAttemptDelayMs, type WebhookId } from '@parley/domain';
import { wellAgain } from '@parley/persistence';
import { selfSigned, startReceiver, type Answer, type Receiver } from '@parley/testing';
import type { NextDelay } from '../src/delivery/verdict';
import { WebhookSender } from '../src/sender/webhook-sender';
import { useWorld } from './world';

// One receiver each that misbehaves once, or twice, and then changes its mind.

const world = useWorld();
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000] as const;
/** For receivers that use it up; the others have all the time they may need on a busy machine. */
const SHORT_DEADLINE = { WEBHOOKS_DELIVERY_DEADLINE_MS: '400' };

/** What the schedule planned without jitter, while the test waits for a moment only. */
class Planned {
  readonly delays: (number | null)[] = [];
  readonly nextDelay: NextDelay = (attempts, last) => {
    this.delays.push(nextAttemptDelayMs(attempts, last, () => 0.5));
    return 20;
  };
}

interface Told {
  readonly receiver: Receiver;
  readonly webhook: WebhookId;
  readonly planned: Planned;
}

/** Tells a receiver that first answers so of a room, until it has heard. */
async function tell(first: Answer, env: Record<string, string> = {}): Promise<Told> {
  const receiver = await world().receiver();
  receiver.answer(() => (receiver.requests.length > 1 ? {} : first));
  const planned = new Planned();
  const domain = await world().domain();
  const webhook = await world().webhook(domain, receiver.url);
  await world().dispatcher(env, { nextDelay: planned.nextDelay });
  await world().openRoom(domain, 'room');
  await world().waitForDeliveries(webhook, 'delivered', 1);
  return { receiver, webhook, planned };
}

async function triesOf(webhook: WebhookId) {
  const [delivery] = await world().deliveries(webhook);
  return delivery?.tries.map(({ outcome, status, error }) => [outcome, status, error]);
}

const HEARD = ['delivered', 200, null];

describe('a receiver that changes its mind', () => {
  test('200: is told once', async () => {
    const { receiver, webhook } = await tell({});
    expect(await triesOf(webhook)).toEqual([HEARD]);
    expect(receiver.requests).toHaveLength(1);
  });

  test('500: is told again after five seconds, under the same id', async () => {
    const { receiver, webhook, planned } = await tell({ status: 500 });
    expect(await triesOf(webhook)).toEqual([['failed', 500, 'The receiver answered 500.'], HEARD]);
    expect(planned.delays).toEqual([5 * SECOND]);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  test.each([
    ['two minutes, is left alone for two minutes', '120', 2 * MINUTE],
    ['nothing, is left alone for a minute', '', MINUTE],
    ['a second, is left alone for a minute', '1', MINUTE],
    ['a day, is left alone for an hour', '86400', HOUR],
  ])('429 that asks for %s', async (_what, retryAfter, delay) => {
    const headers: Record<string, string> = retryAfter === '' ? {} : { 'retry-after': retryAfter };
    const { webhook, planned } = await tell({ status: 429, headers });
    expect(await triesOf(webhook)).toEqual([['failed', 429, 'The receiver answered 429.'], HEARD]);
    expect(planned.delays).toEqual([delay]);
  });

  test.each([502, 504])('%i: is taken for overloaded', async (status) => {
    expect((await tell({ status })).planned.delays).toEqual([MINUTE]);
  });

  test('410: is told nothing more until its owner wants it again; then what waited', async () => {
    const receiver = await world().receiver();
    receiver.answer({ status: 410 });
    const domain = await world().domain();
    const webhook = await world().webhook(domain, receiver.url);
    await world().dispatcher({ WEBHOOKS_AT_ONCE_PER_WEBHOOK: '1' });
    await Promise.all([world().openRoom(domain, 'a'), world().openRoom(domain, 'b')]);
    await world().waitForDeliveries(webhook, 'failed', 1);
    expect(await world().webhookRow(webhook)).toMatchObject({ disabledReason: 'gone', validated: true });
    receiver.answer({});
    await world().database.prisma.webhook.update({ where: { id: webhook }, data: wellAgain(new Date()) });
    await world().waitForDeliveries(webhook, 'delivered', 1);
    expect(receiver.requests).toHaveLength(2);
  });

  test('hanging: is given up after the deadline and left alone for a minute', async () => {
    const { webhook, planned } = await tell({ failure: 'hang' }, SHORT_DEADLINE);
    const tries = await triesOf(webhook);
    // On a busy machine even a quick answer may come too late, so there may be more than two.
    expect([tries?.[0], tries?.at(-1)]).toEqual([['timeout', null, 'The receiver did not answer in time.'], HEARD]);
    expect(planned.delays[0]).toBe(MINUTE);
  });

  test('dripping its headers: is given up after the deadline, however lively it is', async () => {
    const { webhook, planned } = await tell({ failure: 'drip' }, SHORT_DEADLINE);
    expect((await triesOf(webhook))?.[0]).toEqual(['timeout', null, 'The receiver did not answer in time.']);
    expect(planned.delays[0]).toBe(MINUTE);
  });

  test('resetting the connection: is told again', async () => {
    const { webhook, planned } = await tell({ failure: 'reset' });
    expect(await triesOf(webhook)).toEqual([['failed', null, 'The receiver broke the connection.'], HEARD]);
    expect(planned.delays).toEqual([5 * SECOND]);
  });

  test('redirecting to a private address: is not followed', async () => {
    const inside = await world().receiver();
    const { webhook } = await tell({ status: 307, headers: { location: `${inside.url}/latest/meta-data` } });
    const error = 'Status 307: redirects are not followed.';
    expect(await triesOf(webhook)).toEqual([['failed', 307, error], HEARD]);
    expect(inside.requests).toHaveLength(0);
  });

  test('answering with 1 GB: is not read to the end', async () => {
    const gigabyte = 1_073_741_824;
    const { receiver, webhook } = await tell({ status: 500, bodyBytes: gigabyte });
    expect(await triesOf(webhook)).toEqual([['failed', 500, 'The receiver answered 500.'], HEARD]);
    expect(receiver.bytesSaid).toBeLessThan(gigabyte / 16);
    const [delivery] = await world().deliveries(webhook);
    expect(delivery?.tries[0]?.responseExcerpt).toBe('x'.repeat(1_024));
  });

  test('with a bad certificate: hears nothing before it shows a good one', async () => {
    const [bad, good] = [selfSigned('receiver.test'), selfSigned('receiver.test')];
    const receiver = await startReceiver({}, bad);
    const sender = new WebhookSender({ ca: good.cert, resolve: async () => ['127.0.0.1'] });
    const domain = await world().domain();
    const webhook = await world().webhook(domain, `https://receiver.test:${receiver.port}/`);
    const nextDelay = (): number => {
      receiver.present(good);
      return 20;
    };
    try {
      await world().dispatcher({}, { sender, nextDelay });
      await world().openRoom(domain, 'room');
      await world().waitForDeliveries(webhook, 'delivered', 1);
      const error = 'The certificate of the receiver is self-signed.';
      expect(await triesOf(webhook)).toEqual([['failed', null, error], HEARD]);
      expect(receiver.requests).toHaveLength(1);
    } finally {
      await receiver.close();
    }
  });

  test('whose name leads somewhere else each time: only an address that was checked is dialled', async () => {
    const asked: string[] = [];
    // A name server that answers every second question with the cloud's metadata service.
    const resolve = async (name: string): Promise<string[]> => {
      asked.push(name);
      return asked.length === 2 ? ['169.254.169.254'] : ['127.0.0.1'];
    };
    const receiver = await world().receiver();
    receiver.answer(() => ({
      status: receiver.requests.length === 1 ? 500 : 200,
      headers: { connection: 'close' },
    }));
    const domain = await world().domain();
    const webhook = await world().webhook(domain, `http://rebinding.test:${receiver.port}/`);
    await world().dispatcher({}, { sender: new WebhookSender({ resolve }), nextDelay: () => 20 });
    await world().openRoom(domain, 'room');
    await world().waitForDeliveries(webhook, 'delivered', 1);
    const refused = 'The receiver has an address that is not on the public internet.';
    expect(await triesOf(webhook)).toEqual([
      ['failed', 500, 'The receiver answered 500.'],
      ['refused', null, refused],
      HEARD,
    ]);
    // Asked once for each connection: what was checked is what was dialled.
    expect(asked).toHaveLength(3);
    expect(receiver.requests).toHaveLength(2);
  });
});
