import { brandAs, type DeliveryId, type DomainName, type WebhookId } from '@parley/domain';
import { SealBroken, type ClaimedDelivery, type SettledAttempt } from '@parley/persistence';
import type { PostingOutcome } from '../sender/webhook-sender';
import { DeliveryWorker, type DeliveryWorkerParts } from './delivery-worker';
import { SlowLane } from './slow-lane';

const JOB = { deliveryId: brandAs<DeliveryId>('dlv_a'), attempt: 1, wake: 1 };
const OUTAGE = new Error('Connection terminated unexpectedly');

/** A worker with one delivery to send; the sender answers 200. */
function workerWith(settle: DeliveryWorkerParts['deliveries']['settle']) {
  const claim = {
    id: JOB.deliveryId,
    attempt: 1,
    tryNumber: 1,
    token: 2,
    webhookId: brandAs<WebhookId>(5),
    url: 'https://r.example/',
    domain: brandAs<DomainName>('d.example'),
    detailed: false,
    event: {
      id: 'evt_1',
      type: 'room.removed',
      roomName: 'a',
      roomSessionId: 'rs_1',
      seq: 1,
      occurredAt: new Date(),
      payload: {},
    },
  } as ClaimedDelivery;
  const stop = new AbortController();
  const lapse = new AbortController();
  const letGo = jest.fn();
  const feed = jest.fn();
  const error = jest.fn();
  const warn = jest.fn();
  const giveBack = jest.fn(async () => undefined);
  const post = jest.fn(async (): Promise<PostingOutcome> => ({ kind: 'answered', status: 200, body: '' }));
  const keys = { webhookKeys: ['key'], secrets: [], insecure: false };
  const keysOf = jest.fn(async () => new Map([[claim.webhookId, keys]]));
  const parts = {
    deliveries: { settle, giveBack },
    claims: { take: async () => ({ claim, lapsed: lapse.signal, letGo }) },
    secrets: { keysOf },
    roomSecrets: async () => ({ password: null, hostKey: null }),
    sender: { post },
    feeder: { feed },
    // So long that nothing here proves slow.
    slowLane: new SlowLane({ slowAfterMs: 60_000, atMost: 1, perDomain: 10, failed: error }),
    nextDelay: () => null,
    clock: { now: () => new Date() },
    metrics: { attempt: () => undefined, told: () => undefined },
    logger: { error, info: () => undefined, warn },
    deadlineMs: 1_000,
  } as unknown as DeliveryWorkerParts;
  return {
    worker: new DeliveryWorker(parts, stop.signal),
    stop,
    lapse,
    letGo,
    feed,
    error,
    warn,
    giveBack,
    post,
    keysOf,
  };
}

type Settled = [readonly SettledAttempt[]];
type Settle = jest.Mock<Promise<ReadonlySet<DeliveryId>>, Settled>;
const taken = new Set([JOB.deliveryId]);

describe('a delivery worker', () => {
  test('keeps an outcome while the database is away, and offers it until it is taken', async () => {
    const settle = (jest.fn() as Settle).mockResolvedValue(taken);
    settle.mockRejectedValueOnce(OUTAGE).mockRejectedValueOnce(OUTAGE);
    const { worker, post, letGo, feed } = workerWith(settle);
    await worker.deliver(JOB);
    expect(post).toHaveBeenCalledTimes(1);
    expect(settle).toHaveBeenCalledTimes(3);
    expect(settle.mock.calls[2]?.[0]).toMatchObject([{ verdict: { kind: 'delivered' } }]);
    expect(letGo).toHaveBeenCalledTimes(1);
    expect(feed).toHaveBeenCalledWith([5]);
  });

  test('does not offer it again when the database refused it, or when the process has to end', async () => {
    const refused = (jest.fn() as Settle).mockRejectedValue(new Error('no such column'));
    const first = workerWith(refused);
    await expect(first.worker.deliver(JOB)).rejects.toThrow('no such column');
    expect(refused).toHaveBeenCalledTimes(1);
    expect(first.letGo).toHaveBeenCalledTimes(1);

    const away = (jest.fn() as Settle).mockRejectedValue(OUTAGE);
    const second = workerWith(away);
    away.mockImplementationOnce(async () => {
      second.stop.abort();
      throw OUTAGE;
    });
    await expect(second.worker.deliver(JOB)).rejects.toThrow(OUTAGE);
    expect(away).toHaveBeenCalledTimes(1);
  });

  test('stops sending when its claim lapses', async () => {
    const settle = jest.fn() as Settle;
    const { worker, lapse, post, giveBack, error } = workerWith(settle);
    post.mockImplementation(async (...[posting]: unknown[]) => {
      lapse.abort();
      expect(posting).toMatchObject({ stop: { aborted: true } });
      return { kind: 'interrupted' };
    });
    await worker.deliver(JOB);
    expect(giveBack).toHaveBeenCalledTimes(1);
    expect(settle).not.toHaveBeenCalled();
    expect(error).toHaveBeenCalledWith({ deliveryId: 'dlv_a' }, 'claim lapsed while its delivery was sent');
  });

  test('charges nobody when our own way out is broken, and does not run against the wall again at once', async () => {
    const settle = jest.fn() as Settle;
    const { worker, post, giveBack, feed } = workerWith(settle);
    post.mockResolvedValue({ kind: 'no-way-out', reason: 'The egress proxy answered 407.' });
    await worker.deliver(JOB);
    expect(giveBack).toHaveBeenCalledWith(expect.objectContaining({ id: JOB.deliveryId }), 30_000);
    expect(settle).not.toHaveBeenCalled();
    expect(feed).not.toHaveBeenCalled();
  });

  test('charges nobody when secrets do not open either', async () => {
    const settle = jest.fn() as Settle;
    const { worker, keysOf, post, giveBack } = workerWith(settle);
    keysOf.mockRejectedValue(new SealBroken({ table: 'Domain', row: 'a', column: 'webhookKey' }, 'no such key'));
    await worker.deliver(JOB);
    expect(giveBack).toHaveBeenCalledWith(expect.objectContaining({ id: JOB.deliveryId }), 30_000);
    expect(post).not.toHaveBeenCalled();
    expect(settle).not.toHaveBeenCalled();
  });
});
