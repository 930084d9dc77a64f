import fc from 'fast-check';
import type { RegionInfo } from '@parley/contracts';
import { CHOICE, chooseRegion, median, RegionChooser } from './region-choice';
import { ParleyError } from './parley-error';

function region(id: string, more: Partial<RegionInfo> = {}): RegionInfo {
  const url = `https://${id}.test`;
  const facts = { status: 'up', state: 'serving', position: null, group: null } as const;
  return { id, url, signalingUrl: `wss://${id}.test/spreed`, pingUrl: `${url}/ping`, ...facts, ...more };
}

/** A world whose round trips are known and whose clock moves only with them. */
function world(regions: readonly RegionInfo[], roundTrips: Record<string, number | undefined>) {
  const state = { now: 0, lists: 0, pings: 0, regions };
  const rest = {
    regions: async () => {
      state.lists += 1;
      return state.regions;
    },
    ping: async (url: string) => {
      state.pings += 1;
      const took = roundTrips[new URL(url).hostname.replace('.test', '')];
      if (took === undefined) throw new ParleyError('unreachable', 'no answer');
      state.now += took;
    },
  };
  return { state, chooser: new RegionChooser(rest, 'https://any.test', () => state.now) };
}

const idOf = async (chooser: RegionChooser) => (await chooser.choose())?.region.id;

it('chooses the nearest by the median of three after a warm-up, and asks again after half an hour', async () => {
  // One at a time, so that the clock of this world measures only the one that is asked.
  const near = world([region('us-1')], { 'us-1': 40 });
  expect((await near.chooser.choose())?.roundTripMs).toBe(40);
  expect(near.state.pings).toBe(4);
  await near.chooser.choose();
  near.state.now += CHOICE.keepMs - 121;
  await near.chooser.choose();
  expect(near.state.lists).toBe(1);
  near.state.now += 1_000;
  await near.chooser.choose();
  expect(near.state.lists).toBe(2);
  near.chooser.forget();
  await near.chooser.choose();
  expect(near.state.lists).toBe(3);
});

it('keeps what it measured, for whoever asks for a ticket', async () => {
  const { chooser } = world([region('us-1')], { 'us-1': 40 });
  expect(chooser.measured.size).toBe(0);
  await chooser.choose();
  expect([...chooser.measured]).toEqual([['us-1', 40]]);
});

it('goes by the order of the server when probes are blocked, and never to what drains or is down', async () => {
  const all = [
    region('ap-1', { state: 'draining' }),
    region('sa-1', { status: 'down' }),
    region('eu-1'),
    region('us-1'),
  ];
  expect(await idOf(world(all, {}).chooser)).toBe('eu-1');
  expect(await idOf(world(all.slice(0, 2), {}).chooser)).toBeUndefined();
});

it('stays where it is unless another region is better by a fifth and by 15 ms', () => {
  const times = fc.integer({ min: 1, max: 500 });
  const regions = [region('eu-1'), region('us-1')];
  fc.assert(
    fc.property(times, times, (here, there) => {
      const chosen = chooseRegion(
        regions,
        new Map([
          ['eu-1', here],
          ['us-1', there],
        ]),
        'eu-1',
      )?.region.id;
      expect(chosen).toBe(here - there >= 15 && there <= 0.8 * here ? 'us-1' : 'eu-1');
    }),
  );
  expect(chooseRegion(regions, new Map([['us-1', 90]]), 'eu-1')?.region.id).toBe('us-1');
  expect(chooseRegion(regions.slice(1), new Map(), 'eu-1')?.region.id).toBe('us-1');
});

it('many who ask at once cause one measurement', async () => {
  const { state, chooser } = world([region('eu-1')], { 'eu-1': 10 });
  await Promise.all([chooser.choose(), chooser.choose(), chooser.choose()]);
  expect([state.lists, state.pings]).toEqual([1, 4]);
});

it('one slow sample changes no median', () => {
  expect(median([10, 900, 12])).toBe(12);
  expect(median([10, 12])).toBe(10);
  expect(median([])).toBeUndefined();
});
