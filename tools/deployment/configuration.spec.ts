import { join } from 'node:path';
import { describeConfig, loadEnv } from '@parley/config';
import { readComposeFile } from './compose-file';
import { configSchemaOf, imageEnvironment, podEnvironment, type Environment } from './environment';
import { servicesOf } from './kubernetes-rules';
import { workloadsOf } from './kubernetes-objects';
import { repositoryRoot } from './repository-facts';
import { renderAll } from './rendered';

const { base, dev, secrets } = renderAll();
const compose = readComposeFile(join(repositoryRoot, 'docker-compose.yml'), secrets);
const image = imageEnvironment();

interface Deployed {
  readonly where: string;
  readonly service: string;
  readonly environment: Environment;
}

const inCompose: Deployed[] = Object.entries(compose.services).flatMap(([name, { build, environment = {} }]) =>
  build?.args?.SERVICE === undefined ? [] : [{ where: `compose: ${name}`, service: build.args.SERVICE, environment }],
);
const inKubernetes: Deployed[] = Object.entries({ base, dev }).flatMap(([which, objects]) =>
  workloadsOf(objects)
    .filter((workload) => workload.name === 'migrate' || servicesOf(objects).some(({ id }) => id === workload.id))
    .map((workload) => ({
      where: `k8s/${which}: ${workload.id}`,
      service: workload.name,
      environment: podEnvironment(workload, objects, secrets),
    })),
);
const deployed = [...inCompose, ...inKubernetes];

describe.each(deployed.filter(({ service }) => service !== 'migrate'))('$where', ({ service, environment }) => {
  it('sets what the service requires and nothing that it does not know', async () => {
    const rows = describeConfig({ [service]: await configSchemaOf(service) });
    const isSet = (name: string) => name in environment || `${name}_FILE` in environment || name in image;
    const known = new Set(rows.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));
    expect({
      missing: rows.filter(({ name, optional }) => !optional && !isSet(name)).map(({ name }) => name),
      unknown: Object.keys(environment).filter((name) => !known.has(name)),
    }).toEqual({ missing: [], unknown: [] });
  });

  it('sets values that the service accepts in production', async () => {
    const schema = await configSchemaOf(service);
    expect(() => loadEnv(schema, { ...image, ...environment })).not.toThrow();
    expect(image.NODE_ENV).toBe('production');
  });
});

describe('the migration', () => {
  it('is told of the database and of nothing else', () => {
    const jobs = deployed.filter(({ service }) => service === 'migrate');
    expect(jobs).toHaveLength(3);
    for (const { environment } of jobs) expect(environment).toEqual({ DATABASE_URL: secrets.DATABASE_URL });
  });
});

/** Replica URLs of the region a router is told it stands in. */
function ownRegion({ environment }: Deployed): { readonly apiUrls: string[]; readonly signalingUrls: string[] } {
  const regions = JSON.parse(environment.PARLEY_REGIONS ?? '[]') as {
    id: string;
    apiUrls: string[];
    signalingUrls: string[];
  }[];
  const own = regions.find(({ id }) => id === environment.PARLEY_REGION);
  if (own === undefined) throw new Error('the router does not know its own region');
  return own;
}

const routers = deployed.filter(({ service }) => service === 'region-router');

describe('the router', () => {
  it('is told in compose of services that it shares a network with', () => {
    const [router] = routers.filter(({ where }) => where.startsWith('compose'));
    if (router === undefined) throw new Error('compose has no router');
    const { apiUrls, signalingUrls } = ownRegion(router);
    const gateways = Object.keys(compose.services).filter((name) => name.startsWith('gateway-'));
    expect(apiUrls).toEqual([`http://api:${image.PORT}`]);
    expect(signalingUrls).toEqual(gateways.map((name) => `http://${name}:${image.PORT}`));
    for (const name of ['api', ...gateways]) expect(compose.services[name]?.networks).toContain('services');
    expect(compose.services['region-router']?.networks).toContain('services');
  });

  it.each(Object.entries({ base, dev }))('is told in k8s/%s of every gateway there can be', (which, objects) => {
    const [router] = routers.filter(({ where }) => where.startsWith(`k8s/${which}:`));
    if (router === undefined) throw new Error(`k8s/${which} has no router`);
    const { apiUrls, signalingUrls } = ownRegion(router);
    const scaler = objects.find(
      ({ kind, metadata }) => kind === 'HorizontalPodAutoscaler' && metadata.name === 'signaling',
    );
    const names = Array.from(
      { length: scaler?.spec?.maxReplicas ?? 0 },
      (_unused, index) => `signaling-${index}.signaling`,
    );
    expect(apiUrls).toEqual([`http://api:${image.PORT}`]);
    expect(signalingUrls).toEqual(names.map((name) => `http://${name}:${image.PORT}`));
  });

  it.each(inCompose.filter(({ service }) => service === 'signaling'))(
    'finds the replica $where by its name',
    (gateway) => {
      expect(gateway.where).toBe(`compose: ${gateway.environment.REPLICA_NAME}`);
    },
  );
});
