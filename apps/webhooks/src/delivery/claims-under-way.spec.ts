import { brandAs, type DeliveryId } from '@parley/domain';
import type { ClaimedDelivery } from '@parley/persistence';
import type { DeliveryJob } from '@parley/queue';
import { ClaimsUnderWay } from './claims-under-way';

const CLAIM_MS = 1_000;
const [A, B] = ['dlv_a', 'dlv_b'].map((id) => brandAs<DeliveryId>(id)) as [DeliveryId, DeliveryId];
// Only these matter here.
const claimOf = (id: DeliveryId) => ({ id, attempt: 1, token: 2 }) as ClaimedDelivery;
const jobOf = (deliveryId: DeliveryId, wake = 1): DeliveryJob => ({ deliveryId, attempt: 1, wake });

describe('claims under way', () => {
  const claim = jest.fn<Promise<readonly ClaimedDelivery[]>, [readonly DeliveryJob[]]>();
  const renew = jest.fn<Promise<ReadonlySet<DeliveryId>>, [readonly ClaimedDelivery[]]>();
  const error = jest.fn();
  let claims: ClaimsUnderWay;

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    claim.mockImplementation(async (jobs) => jobs.map(({ deliveryId }) => claimOf(deliveryId)));
    renew.mockImplementation(async (given) => new Set(given.map(({ id }) => id)));
    claims = new ClaimsUnderWay({ deliveries: { claim, renew }, claimMs: CLAIM_MS, logger: { error } });
    claims.start();
  });
  afterEach(async () => {
    await claims.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
    jest.resetAllMocks();
  });

  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const take = async (id: DeliveryId) => (await claims.take(jobOf(id)))!;

  test('hold for as long as the work lasts, and are not renewed after it', async () => {
    const held = await take(A);
    await pass(10 * CLAIM_MS);
    expect(held.lapsed.aborted).toBe(false);
    held.letGo();
    const renewals = renew.mock.calls.length;
    await pass(10 * CLAIM_MS);
    expect(renew.mock.calls.length).toBe(renewals);
    expect(held.lapsed.aborted).toBe(false);
  });

  test('are not renewed when the work is short', async () => {
    const held = await take(A);
    await pass(CLAIM_MS / 5);
    held.letGo();
    await pass(CLAIM_MS);
    expect(renew).not.toHaveBeenCalled();
  });

  test('are nothing when there is nothing to do', async () => {
    claim.mockResolvedValueOnce([]);
    expect(await claims.take(jobOf(A))).toBeNull();
  });

  test('asked for at the same time are one question, and a delivery goes to the job that was handed out last', async () => {
    claim.mockResolvedValueOnce([claimOf(A), claimOf(B)]);
    const taken = await Promise.all([claims.take(jobOf(A, 0)), claims.take(jobOf(A, 1)), claims.take(jobOf(B))]);
    expect(taken.map((held) => held?.claim.id)).toEqual([undefined, A, B]);
    expect(claim).toHaveBeenCalledTimes(1);
    for (const held of taken) held?.letGo();
  });

  test('lapse when another worker has the delivery, and only those', async () => {
    const [a, b] = [await take(A), await take(B)];
    renew.mockImplementation(async () => new Set([B]));
    await pass(CLAIM_MS);
    expect([a.lapsed.aborted, b.lapsed.aborted]).toEqual([true, false]);
  });

  test('lapse when the database did not say in time that they go on, whatever it says later', async () => {
    const held = await take(A);
    await pass(CLAIM_MS / 2);
    let answer = (_ids: ReadonlySet<DeliveryId>): void => undefined;
    renew.mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    await pass(CLAIM_MS - 1);
    expect(held.lapsed.aborted).toBe(false);
    await pass(1 + CLAIM_MS / 4);
    expect(held.lapsed.aborted).toBe(true);
    answer(new Set([A]));
    await pass(CLAIM_MS);
  });

  test('go on after a renewal that failed', async () => {
    const held = await take(A);
    renew.mockRejectedValueOnce(new Error('no database'));
    await pass(3 * CLAIM_MS);
    expect(held.lapsed.aborted).toBe(false);
    expect(error).toHaveBeenCalledTimes(1);
  });

  test('count from before the database was asked', async () => {
    claim.mockImplementationOnce(async () => {
      await new Promise((resolve) => setTimeout(resolve, CLAIM_MS - 10));
      return [claimOf(A)];
    });
    renew.mockRejectedValue(new Error('no database'));
    const taking = claims.take(jobOf(A));
    await new Promise((resolve) => setImmediate(resolve));
    await pass(CLAIM_MS - 10);
    const held = (await taking)!;
    expect(held.lapsed.aborted).toBe(false);
    await pass(10);
    expect(held.lapsed.aborted).toBe(true);
  });
});
