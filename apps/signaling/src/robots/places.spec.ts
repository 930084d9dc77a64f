import { brandAs, type SessionId } from '@parley/domain';
import fc from 'fast-check';
import { placesFor } from './places';

const free = (places: readonly number[]) =>
  places.map((count, index) => ({ session: brandAs<SessionId>(String(index)), places: count }));

it('those with most room come first, then all take turns', () => {
  expect(placesFor(free([1, 3, 0, 2]))).toEqual(['1', '1', '3', '0', '1', '3']);
  expect(placesFor(free([]))).toEqual([]);
  expect(placesFor(free([0, -15]))).toEqual([]);
});

it('gives each as many as it has, and of the first few nobody more than one more than it must', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -16, max: 16 }), { maxLength: 8 }), (counts) => {
      const places = placesFor(free(counts));
      counts.forEach((count, index) => {
        expect(places.filter((session) => session === String(index))).toHaveLength(Math.max(0, count));
      });
      // Whoever still has more room than another was served before it.
      const left = new Map(counts.map((count, index) => [String(index), count]));
      for (const session of places) {
        expect(left.get(session)).toBe(Math.max(...left.values()));
        left.set(session, (left.get(session) ?? 0) - 1);
      }
    }),
  );
});
