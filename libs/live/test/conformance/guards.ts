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
      expect(await guards.once(scope, 'short', 150)).toBe(true);
      expect(await guards.once(scope, 'long', 60_000)).toBe(true);
      expect(await others.once(scope, 'short', 150)).toBe(false);
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
      expect(await guards.once(scope, 'b', 150, 2)).toBe(true);
      expect(await guards.once(scope, 'c', 60_000, 2)).toBe('full');
      expect(await guards.once(scope, 'a', 60_000, 2)).toBe(false);
      await eventually(async () => (await guards.once(scope, 'c', 60_000, 2)) === true, 'room for another');
    });

    it('counts hits in a window that ends', async () => {
      const scope = randomUUID();
      expect(await guards.hits(scope)).toEqual({ count: 0, resetsInMs: 0 });
      expect((await guards.hit(scope, 300)).count).toBe(1);
      const second = await others.hit(scope, 300);
      expect(second.count).toBe(2);
      expect(second.resetsInMs).toBeGreaterThan(0);
      expect(second.resetsInMs).toBeLessThanOrEqual(300);
      await eventually(async () => (await guards.hits(scope)).count === 0, 'the window to end');
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
