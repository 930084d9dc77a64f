import type { LiveGuards } from '../port';
import type { MemoryLiveHub } from './hub';

/** One-time values, counters and leases in memory. */
export function memoryGuards(hub: MemoryLiveHub): LiveGuards {
  const count = (scope: string) => {
    const known = hub.counters.get(scope);
    return known && known.until > hub.now() ? known : undefined;
  };
  const reading = (known: { count: number; until: number } | undefined) =>
    known ? { count: known.count, resetsInMs: known.until - hub.now() } : { count: 0, resetsInMs: 0 };
  return {
    once: (scope, value, ttlMs, limit) =>
      hub.run(() => {
        const seen = hub.seen.get(scope) ?? new Map<string, number>();
        hub.seen.set(scope, seen);
        for (const [old, until] of seen) if (until <= hub.now()) seen.delete(old);
        if (seen.has(value)) return false;
        if (limit !== undefined && seen.size >= limit) return 'full';
        seen.set(value, hub.now() + ttlMs);
        return true;
      }),
    forget: (scope, value) => hub.run(() => void hub.seen.get(scope)?.delete(value)),
    hit: (scope, windowMs) =>
      hub.run(() => {
        const known = count(scope) ?? { count: 0, until: hub.now() + windowMs };
        known.count++;
        hub.counters.set(scope, known);
        return reading(known);
      }),
    hits: (scope) => hub.run(() => reading(count(scope))),
    lease: (name, holder, ttlMs) =>
      hub.run(() => {
        const held = hub.leases.get(name);
        if (held && held.until > hub.now() && held.holder !== holder) return false;
        hub.leases.set(name, { holder, until: hub.now() + ttlMs });
        return true;
      }),
    release: (name, holder) =>
      hub.run(() => {
        if (hub.leases.get(name)?.holder === holder) hub.leases.delete(name);
      }),
  };
}
