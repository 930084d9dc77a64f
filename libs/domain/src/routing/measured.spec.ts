import fc from 'fast-check';
import { brandAs, type RegionId } from '../kernel/ids';
import { nearestByMeasure, parseMeasured } from './measured';
import type { RegionChoice } from './placement';

const id = (text: string) => brandAs<RegionId>(text);
const serving = (name: string): RegionChoice => ({ id: id(name), group: null, state: 'serving', alive: true });

describe('what clients say they measured', () => {
  it('is read, and nonsense in it is left out', () => {
    const told = parseMeasured('eu-1:34, us-1:120.5,ap-1:-3,sa-1:99999,EU:3,x:,:4,af-1:1e3');
    expect([...told]).toEqual([
      [id('eu-1'), [34]],
      [id('us-1'), [120.5]],
    ]);
  });

  it('is never more than regions and times, whatever is said', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5_000 }), (text) => {
        const told = parseMeasured(text);
        expect(told.size).toBeLessThanOrEqual(64);
        for (const [region, times] of told) {
          expect(region).toMatch(/^[a-z][a-z0-9-]*$/);
          expect(times.every((ms) => ms >= 0 && ms <= 60_000)).toBe(true);
        }
      }),
    );
  });

  it('chooses the nearest of the regions that can be chosen', () => {
    const names = ['eu-1', 'us-1', 'ap-1'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names, 'gone-1'), fc.integer({ min: 0, max: 900 })), (times) => {
        const measured = parseMeasured(
          Object.entries(times)
            .map(([name, ms]) => `${name}:${ms}`)
            .join(','),
        );
        const nearest = nearestByMeasure(names.map(serving), measured);
        const known = names.filter((name) => times[name] !== undefined);
        const best = Math.min(...known.map((name) => times[name] ?? Infinity));
        expect(nearest === undefined ? Infinity : times[nearest]).toBe(best);
      }),
    );
    const draining = { ...serving('eu-1'), state: 'draining' as const };
    expect(nearestByMeasure([draining, serving('us-1')], parseMeasured('eu-1:1,us-1:90'))).toBe('us-1');
  });
});
