import { randomUUID } from 'node:crypto';
import { eventually } from '@parley/testing';
import type { LiveGuards } from '../../src/index';
import { World, type Backend } from './world';

/** One-time values, counters and leases. */
export function guardsSuite(backend: () => Backend): void {
  describe('guards', () => {
    let world: World;
    let guards: LiveGuards;
    let others: LiveGuards;

    beforeEach(() => {
      world = new World(backend());
      guards = world.node().live.guards;
      others = world.node().live.guards;
    });
    afterEach(() => world.close());

    it('accepts a value once, on all replicas, until it expires by itself', async () => {
      const scope = randomUUID();
      expect(await guards.once(scope, 'long', 60_000)).toBe(true);
      expect(await others.once(scope, 'long', 60_000)).toBe(false);
      expect(await guards.once(scope, 'short', 150)).toBe(true);
      await eventually(() => others.once(scope, 'short', 150), 'the short one to be forgotten');
      expect(await others.once(scope, 'long', 60_000)).toBe(false);
      expect(await others.once(randomUUID(), 'long', 60_000)).toBe(true);
    });

    it('accepts a value again that was forgotten, and no other one', async () => {
      const scope = randomUUID();
      for (const value of ['given back', 'used']) expect(await guards.once(scope, value, 60_000)).toBe(true);
      await others.forget(scope, 'given back');
      await others.forget(scope, 'never seen');
      await others.forget(randomUUID(), 'used');
      expect(await guards.once(scope, 'used', 60_000)).toBe(false);
      expect(await guards.once(scope, 'given back', 60_000)).toBe(true);
      expect(await others.once(scope, 'given back', 60_000)).toBe(false);
    });

    it('is full at its limit, which expired values do not count towards', async () => {
      const scope = randomUUID();
      expect(await guards.once(scope, 'a', 60_000, 2)).toBe(true);
      expect(await guards.once(scope, 'b', 60_000, 2)).toBe(true);
      expect(await guards.once(scope, 'c', 60_000, 2)).toBe('full');
      expect(await guards.once(scope, 'a', 60_000, 2)).toBe(false);
      // Another scope: on a busy machine a short one may be over before the next call.
      const passing = randomUUID();
      expect(await guards.once(passing, 'a', 60_000, 2)).toBe(true);
      expect(await guards.once(passing, 'b', 150, 2)).toBe(true);
      await eventually(async () => (await guards.once(passing, 'c', 60_000, 2)) === true, 'room for another');
      expect(await guards.once(passing, 'd', 60_000, 2)).toBe('full');
    });

    it('counts hits in a window that ends', async () => {
      const scope = randomUUID();
      expect(await guards.hits(scope)).toEqual({ count: 0, resetsInMs: 0 });
      expect((await guards.hit(scope, 60_000)).count).toBe(1);
      const second = await others.hit(scope, 60_000);
      expect(second.count).toBe(2);
      expect(second.resetsInMs).toBeGreaterThan(0);
      expect(second.resetsInMs).toBeLessThanOrEqual(60_000);
      const short = randomUUID();
      expect((await guards.hit(short, 300)).count).toBe(1);
      await eventually(async () => (await guards.hits(short)).count === 0, 'the window to end');
      expect((await guards.hits(scope)).count).toBe(2);
    });

    it('gives a lease to one holder at a time', async () => {
      const name = randomUUID();
      expect(await guards.lease(name, 'me', 60_000)).toBe(true);
      expect(await others.lease(name, 'you', 60_000)).toBe(false);
      expect(await guards.lease(name, 'me', 60_000)).toBe(true);
      await others.release(name, 'you');
      expect(await others.lease(name, 'you', 60_000)).toBe(false);
      await guards.release(name, 'me');
      expect(await others.lease(name, 'you', 100)).toBe(true);
      await eventually(() => guards.lease(name, 'me', 60_000), 'the lease to run out');
    });
  });
}
