import { brandAs, type RegionId } from '@parley/domain';
import { RegionBreaker } from './region-breaker';

const [us, eu] = [brandAs<RegionId>('us-1'), brandAs<RegionId>('eu-1')];

describe('the breaker of a region', () => {
  let now = 0;
  let breaker: RegionBreaker;
  beforeEach(() => {
    now = 1_000;
    breaker = new RegionBreaker(() => now);
  });
  const miss = (times: number) => {
    for (let count = 0; count < times; count += 1) breaker.missed(us);
  };

  it('lets calls through until five connections in a row failed; other regions are not concerned', () => {
    miss(4);
    expect(breaker.admits(us)).toBe(true);
    miss(1);
    expect([breaker.admits(us), breaker.admits(eu)]).toEqual([false, true]);
  });

  it('forgets failures with every connection that stands', () => {
    miss(4);
    breaker.reached(us);
    miss(4);
    expect(breaker.admits(us)).toBe(true);
  });

  it('lets one call through every two seconds, to see', () => {
    miss(5);
    now += 1_999;
    expect(breaker.admits(us)).toBe(false);
    now += 1;
    expect([breaker.admits(us), breaker.admits(us)]).toEqual([true, false]);
    breaker.missed(us);
    now += 1_999;
    expect(breaker.admits(us)).toBe(false);
    now += 1;
    expect(breaker.admits(us)).toBe(true);
    breaker.reached(us);
    expect([breaker.admits(us), breaker.admits(us)]).toEqual([true, true]);
  });

  it('does not wait for ever for a try of which nothing was heard', () => {
    miss(5);
    now += 2_000;
    expect(breaker.admits(us)).toBe(true);
    now += 2_000;
    expect(breaker.admits(us)).toBe(true);
  });
});
