import fc from 'fast-check';
import { brandAs, type RegionId } from '../kernel/ids';

import { PendingLoad, placeRegions, RAMP_MS, rankReplicas, type PlacementWish, type RegionChoice } from './placement';

const IDS = ['eu-1', 'eu-2', 'us-1', 'us-2', 'ap-1', 'sa-1'].map((id) => brandAs<RegionId>(id));

const choices: fc.Arbitrary<RegionChoice[]> = fc
  .tuple(
    ...IDS.map((id) =>
      fc.record({
        id: fc.constant(id),
        group: fc.constantFrom(null, 'europe', 'america'),
        state: fc.constantFrom('serving' as const, 'draining' as const, 'down' as const),
        alive: fc.boolean(),
      }),
    ),
  )
  .chain((all) => fc.shuffledSubarray(all));

const someId = fc.constantFrom(...IDS);
const wishes: fc.Arbitrary<PlacementWish> = fc.record(
  {
    hosting: someId,
    asked: fc.uniqueArray(someId),
    measured: fc.array(fc.tuple(someId, fc.array(fc.nat(500)))).map((rows) => new Map(rows)),
    distance: fc.array(fc.tuple(someId, fc.nat(20_000))).map((rows) => new Map(rows)),
  },
  { requiredKeys: [] },
);

const worst = ({ measured }: PlacementWish, id: RegionId) => {
  const times = measured?.get(id) ?? [];
  return times.length === 0 ? undefined : Math.max(...times);
};

describe('the choice of a region', () => {
  it('leaves out what is dead or down, and draining ones but for what they host; keeps all others, once', () => {
    fc.assert(
      fc.property(choices, wishes, (all, wish) => {
        const placed = placeRegions(all, wish).map(({ id }) => id);
        const fit = all.filter(
          ({ id, state, alive }) => alive && state !== 'down' && (state !== 'draining' || id === wish.hosting),
        );
        expect([...placed].sort()).toEqual(fit.map(({ id }) => id).sort());
      }),
    );
  });

  it('goes by what hosts, then what was asked for, then what was measured, then the group', () => {
    fc.assert(
      fc.property(choices, wishes, (all, wish) => {
        const placed = placeRegions(all, wish);
        const rungOf = ({ id, group }: RegionChoice) => {
          if (id === wish.hosting) return 0;
          if (wish.asked?.includes(id)) return 1;
          if (worst(wish, id) !== undefined) return 2;
          return group !== null && group === placed[0]?.group ? 3 : 4;
        };
        const rungs = placed.map(rungOf);
        expect(rungs).toEqual([...rungs].sort());
      }),
    );
  });

  it('keeps the order asked for, spares the one worst off, and goes to the nearest where nothing was measured', () => {
    fc.assert(
      fc.property(choices, wishes, (all, wish) => {
        const placed = placeRegions(all, wish);
        const asked = placed.map(({ id }) => id).filter((id) => id !== wish.hosting && wish.asked?.includes(id));
        expect(asked).toEqual((wish.asked ?? []).filter((id) => asked.includes(id)));
        const plain = placed.filter(({ id }) => id !== wish.hosting && !wish.asked?.includes(id));
        const times = plain.flatMap(({ id }) => worst(wish, id) ?? []);
        expect(times).toEqual([...times].sort((one, other) => one - other));
        const guessed = plain.filter(({ id }) => worst(wish, id) === undefined);
        const head = placed[0]?.group;
        for (const inGroup of [true, false]) {
          const far = guessed
            .filter(({ group }) => (group !== null && group === head) === inGroup)
            .map(({ id }) => wish.distance?.get(id) ?? Infinity);
          expect(far).toEqual([...far].sort((one, other) => (one === other ? 0 : one - other)));
        }
      }),
    );
  });

  it('breaks a tie of the slowest by the mean', () => {
    const all = IDS.slice(0, 2).map((id) => ({ id, group: null, state: 'serving' as const, alive: true }));
    const measured = new Map([
      [IDS[0] as RegionId, [90, 80]],
      [IDS[1] as RegionId, [90, 10]],
    ]);
    expect(placeRegions(all, { measured })[0]?.id).toBe('eu-2');
  });
});

describe('the choice of a replica', () => {
  const replicas = fc.array(fc.record({ fit: fc.boolean(), load: fc.nat(100) }), { maxLength: 8 });
  const randoms = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
  const from = (values: Iterator<number>) => () => values.next().value as number;

  it('names everyone once, nobody unfit before anybody fit, and never the most loaded of several first', () => {
    fc.assert(
      fc.property(replicas, randoms, (all, values) => {
        const ranked = rankReplicas(all, from(values));
        expect(ranked).toHaveLength(all.length);
        expect(new Set(ranked)).toEqual(new Set(all));
        const fits = ranked.map(({ fit }) => fit);
        expect(fits).toEqual([...fits].sort((one, other) => Number(other) - Number(one)));
        const loads = ranked.filter(({ fit }) => fit).map(({ load }) => load);
        const most = Math.max(...loads);
        if (loads.filter((load) => load < most).length === loads.length - 1 && loads.length > 1) {
          expect(loads[0]).toBeLessThan(most);
        }
        const others = loads.slice(1);
        expect(others).toEqual([...others].sort((one, other) => one - other));
      }),
    );
  });

  it('lets every fit one but the fullest be chosen', () => {
    const all = [4, 3, 2, 1].map((load) => ({ fit: true, load }));
    const chosen = new Set<number>();
    for (let one = 0; one < 4; one += 1) {
      for (let other = 0; other < 3; other += 1) {
        const values = [one / 4, other / 3];
        chosen.add(rankReplicas(all, () => (values.shift() ?? 0) + 0.01)[0]?.load ?? 0);
      }
    }
    expect([...chosen].sort()).toEqual([1, 2, 3]);
  });
});

describe('what was sent lately', () => {
  it('counts fully at first, half after ten seconds, nothing after twenty, in any order of looking', () => {
    const pending = new PendingLoad();
    for (let n = 0; n < 10; n += 1) pending.add(1_000_500);
    expect(pending.at(1_000_600)).toBe(10);
    expect(pending.at(1_010_500)).toBeCloseTo(5);
    expect(pending.at(1_000_500 + RAMP_MS)).toBe(0);
  });

  it('is what counting each one by itself gives, to within a step', () => {
    const gaps = fc.array(fc.nat(6_000), { maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.nat(30_000), (steps, wait) => {
        const pending = new PendingLoad();
        let now = 0;
        const at = steps.map((step) => (now += step));
        for (const time of at) pending.add(time);
        const end = now + wait;
        const exact = at.reduce((sum, time) => sum + Math.max(0, 1 - (end - time) / RAMP_MS), 0);
        expect(Math.abs(pending.at(end) - exact)).toBeLessThanOrEqual(at.length / 20 + 1e-9);
      }),
    );
  });
});
