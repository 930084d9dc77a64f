import { brandAs, type RegionEntry, type RegionId } from '@parley/domain';
import { Metrics } from '@parley/server-kit';
import { NearestRegions } from './nearest-regions';

const region = (id: string, state: RegionEntry['state'] = 'serving'): RegionEntry => ({
  ...{
    id: brandAs<RegionId>(id),
    number: 1,
    apiUrl: 'https://x',
    signalingUrl: 'wss://x',
    position: null,
    group: null,
  },
  ...{ state, version: 1 },
});

it('joins are counted by the region that would have been the nearest, never by what anybody makes up', async () => {
  const metrics = new Metrics('test');
  const nearest = new NearestRegions(metrics, {
    regions: [region('eu-1'), region('us-1'), region('ap-1', 'draining')],
  });
  for (const query of [
    { measured: 'eu-1:90,us-1:20,ap-1:1' },
    { measured: 'eu-1:90,us-1:20' },
    { measured: 'made-up:1,eu-1:90' },
    { measured: 'made-up:1' },
    { measured: ['eu-1:1', 'us-1:1'] },
    {},
    undefined,
  ]) {
    nearest.note(query);
  }
  const text = await metrics.registry.getSingleMetricAsString('parley_joins_nearest_total');
  const counted = [...text.matchAll(/nearest="([^"]+)"[^}]*\} (\d+)/g)].map(([, name, count]) => `${name} ${count}`);
  expect(counted.sort()).toEqual(['eu-1 1', 'unmeasured 4', 'us-1 2']);
  await metrics.close();
});
