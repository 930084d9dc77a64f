import { brandAs, type DomainName, type WebhookId } from '@parley/domain';
import { SlowLane, type Rider } from './slow-lane';

const rider = (id: number, domain = 'one.example'): Rider => ({
  webhookId: brandAs<WebhookId>(id),
  domain: brandAs<DomainName>(domain),
});
const [A, B] = [rider(1), rider(2)];
const SLOW_AFTER_MS = 500;

/** Work that is over when the test says so. */
function work() {
  let end = (): void => undefined;
  let fail = (_error: Error): void => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { promise, end: () => end(), fail: (error: Error) => fail(error) };
}

describe('the slow lane', () => {
  const failed = jest.fn();
  const laneFor = (atMost: number, perDomain = 10): SlowLane =>
    new SlowLane({ slowAfterMs: SLOW_AFTER_MS, atMost, perDomain, failed });
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    failed.mockClear();
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  /** Lets work go on until it is slow. */
  const slowly = async (ride: Promise<void>): Promise<void> => {
    await jest.advanceTimersByTimeAsync(SLOW_AFTER_MS);
    await ride;
  };

  test('is not for quick work, which holds its place until it is over', async () => {
    const lane = laneFor(1);
    const quick = work();
    const ride = lane.ride(A, quick.promise);
    quick.end();
    await ride;
    expect(lane.refuses(A)).toBe(false);
    await expect(lane.ride(A, Promise.reject(new Error('quickly')))).rejects.toThrow('quickly');
  });

  test('takes work that proves slow, and at once that of those who were slow last time', async () => {
    const lane = laneFor(2);
    const [first, second] = [work(), work()];
    await slowly(lane.ride(A, first.promise));
    // No time passes.
    await lane.ride(A, second.promise);
    // Full: the slow have to wait, the others not.
    expect([lane.refuses(A), lane.refuses(B)]).toEqual([true, false]);
    first.end();
    second.end();
    await lane.close();
    expect(lane.refuses(A)).toBe(false);
  });

  test('lets those who were slow hold a place again once they were quick', async () => {
    const lane = laneFor(2);
    const slow = work();
    await slowly(lane.ride(A, slow.promise));
    slow.end();
    await lane.ride(A, Promise.resolve());
    await lane.close();
    const quick = work();
    let over = false;
    const ride = lane.ride(A, quick.promise).then(() => (over = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    quick.end();
    await ride;
  });

  test('when it is full, slow work holds the place it has', async () => {
    const lane = laneFor(1);
    const [first, second] = [work(), work()];
    await slowly(lane.ride(A, first.promise));
    let over = false;
    const ride = lane.ride(B, second.promise).then(() => (over = true));
    await jest.advanceTimersByTimeAsync(3 * SLOW_AFTER_MS);
    expect(over).toBe(false);
    second.end();
    await ride;
    first.end();
    await lane.close();
  });

  test('is not for one domain alone: when much of its work hangs, no more is begun, whoever of it answered quickly', async () => {
    const lane = laneFor(10, 2);
    const [first, second] = [work(), work()];
    await slowly(lane.ride(A, first.promise));
    expect([lane.refuses(A), lane.refuses(B)]).toEqual([false, false]);
    await slowly(lane.ride(B, second.promise));
    expect([A, B, rider(3), rider(4, 'two.example')].map((each) => lane.refuses(each))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    first.end();
    second.fail(new Error('late'));
    await lane.close();
    expect([A, B].map((each) => lane.refuses(each))).toEqual([false, false]);
  });

  test('reports work that fails when nobody waits for it any more', async () => {
    const lane = laneFor(1);
    const slow = work();
    await slowly(lane.ride(A, slow.promise));
    slow.fail(new Error('late'));
    await lane.close();
    expect(failed).toHaveBeenCalledWith(new Error('late'));
  });
});
