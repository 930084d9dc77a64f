import { AttemptThrottle } from './attempt-throttle';

/** Counts, and forgets when it is told that a window is over. */
class FakeGuards {
  readonly counts = new Map<string, { count: number; windowMs: number }>();
  async hits(scope: string) {
    return { count: this.counts.get(scope)?.count ?? 0, resetsInMs: 0 };
  }
  async hit(scope: string, windowMs: number) {
    const count = (this.counts.get(scope)?.count ?? 0) + 1;
    this.counts.set(scope, { count, windowMs });
    return { count, resetsInMs: 0 };
  }
  over(windowMs: number): void {
    for (const [scope, entry] of this.counts) if (entry.windowMs <= windowMs) this.counts.delete(scope);
  }
}

const HALF_HOUR = 30 * 60_000;
let guards: FakeGuards;
let throttle: AttemptThrottle;
beforeEach(() => {
  jest.useFakeTimers();
  guards = new FakeGuards();
  throttle = new AttemptThrottle(guards);
});
afterEach(() => void jest.useRealTimers());

/** How long a failure takes, in milliseconds. */
async function delayOf(action: 'HelloResume' | 'HelloInternal', address: string): Promise<number> {
  const started = Date.now();
  let ended: number | undefined;
  void throttle.failed(action, { address }).then(() => (ended = Date.now()));
  while (ended === undefined) await jest.advanceTimersByTimeAsync(100);
  return ended - started;
}

it('each failure costs twice as much, per client and action', async () => {
  expect(await delayOf('HelloResume', '192.0.2.1')).toBe(100);
  expect(await delayOf('HelloResume', '192.0.2.1')).toBe(200);
  expect(await delayOf('HelloResume', '192.0.2.1')).toBe(400);
  expect(await delayOf('HelloInternal', '192.0.2.1')).toBe(100);
  expect(await delayOf('HelloResume', '192.0.2.2')).toBe(100);
});

it('an IPv6 client is its /64', async () => {
  expect(await delayOf('HelloResume', '2001:db8::1')).toBe(100);
  expect(await delayOf('HelloResume', '2001:db8::2:3')).toBe(200);
  expect(await delayOf('HelloResume', '2001:db8:0:1::1')).toBe(100);
});

it('the eleventh try within half an hour is not listened to; the delay is remembered longer', async () => {
  for (let tries = 0; tries < 10; tries += 1) {
    expect(await throttle.isBlocked('HelloResume', { address: '192.0.2.1' })).toBe(false);
    expect(await delayOf('HelloResume', '192.0.2.1')).toBe(Math.min(100 * 2 ** tries, 25_000));
  }
  expect(await throttle.isBlocked('HelloResume', { address: '192.0.2.1' })).toBe(true);
  expect(await throttle.isBlocked('HelloInternal', { address: '192.0.2.1' })).toBe(false);
  guards.over(HALF_HOUR);
  expect(await throttle.isBlocked('HelloResume', { address: '192.0.2.1' })).toBe(false);
  expect(await delayOf('HelloResume', '192.0.2.1')).toBe(25_000);
});

it('of many guesses at once ten are answered', async () => {
  const guesses = Array.from({ length: 60 }, () => throttle.failed('HelloInternal', { address: '192.0.2.1' }));
  await jest.advanceTimersByTimeAsync(25_000);
  expect((await Promise.all(guesses)).filter((outcome) => outcome === 'refused')).toHaveLength(10);
});

it('failures at one backend do not count at another; those without one count together', async () => {
  const address = '192.0.2.1';
  for (const backendId of ['cloud', undefined]) {
    const guesses = Array.from({ length: 10 }, () => throttle.failed('BackendRoomAuth', { address, backendId }));
    await jest.advanceTimersByTimeAsync(25_000);
    await Promise.all(guesses);
  }
  expect(await throttle.isBlocked('BackendRoomAuth', { address, backendId: 'cloud' })).toBe(true);
  expect(await throttle.isBlocked('BackendRoomAuth', { address })).toBe(true);
  expect(await throttle.isBlocked('BackendRoomAuth', { address, backendId: 'other' })).toBe(false);
});
