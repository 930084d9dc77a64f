import { serviceNames, repositoryVersion } from './repository-facts';
import { workloadsOf, type Container, type KubernetesObject, type PodSpec } from './kubernetes-objects';
import * as rules from './kubernetes-rules';
import { callersOfTheInternet, deniedByDefault, policiesMeetPods, reachable } from './network-rules';
import { renderAll } from './rendered';

const rendered = renderAll();

const everywhere: Readonly<Record<string, rules.Rule>> = {
  'pods are restricted': rules.restrictedPods,
  'resources are bounded': rules.boundedResources,
  'services are probed': rules.probed,
  'services drain before they stop': rules.drained,
  'services survive disruptions': rules.available,
  'services scale by themselves': rules.autoscaled,
  'services lead to pods': rules.servedPorts,
  'stateful pods have names': rules.namedReplicas,
  'every workload has its own powerless account': rules.ownAccounts,
  'images are of this version': rules.pinnedImages(repositoryVersion),
  'nothing is open by default': deniedByDefault,
};

const fromRouter = ['region-router -> api:8080', 'region-router -> signaling:8080'];
const toDatabases = [
  ...['api', 'migrate', 'region-router', 'signaling', 'webhooks'].map((name) => `${name} -> postgres:5432`),
  ...['api', 'signaling', 'webhooks'].map((name) => `${name} -> redis:6379`),
];

describe.each(['base', 'dev'] as const)('k8s/%s', (which) => {
  const objects = rendered[which];

  it.each(Object.entries(everywhere))('%s', (_what, rule) => expect(rule(objects)).toEqual([]));

  it('runs every service of apps/, and the migration', () => {
    const services = rules.servicesOf(objects).map(({ name }) => name);
    expect(services.sort()).toEqual([...serviceNames].sort());
    const jobs = workloadsOf(objects).filter(({ kind }) => kind === 'Job');
    expect(jobs.map(({ name }) => name)).toEqual(['migrate']);
  });

  it('names no namespace', () => {
    expect(objects.filter(({ metadata }) => 'namespace' in metadata)).toEqual([]);
  });

  it('lets only those call the internet whose work is there', () => {
    expect(callersOfTheInternet(objects)).toEqual(['api:443', 'region-router:443', 'signaling:443', 'webhooks:443']);
  });
});

describe('k8s/base', () => {
  it('has policies for pods that exist, PostgreSQL and Redis aside', () => {
    expect(policiesMeetPods(['postgres', 'redis'])(rendered.base)).toEqual([]);
  });
  it('opens the ways that are used and no others', () => expect(reachable(rendered.base)).toEqual(fromRouter));
  it('leaves secrets to the operator', () => {
    expect(rendered.base.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });
  it('keeps two of each service, wherever it scales', () => {
    const scalers = rendered.base.filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
    expect(scalers.filter(({ spec }) => (spec?.minReplicas ?? 0) < 2)).toEqual([]);
  });
});

describe('k8s/overlays/dev', () => {
  it('has policies for pods that exist', () => expect(policiesMeetPods([])(rendered.dev)).toEqual([]));
  it('opens the ways that are used and no others', () => {
    expect(reachable(rendered.dev)).toEqual([...fromRouter, ...toDatabases].sort());
  });
});

type Spoil = (object: KubernetesObject) => KubernetesObject;

/** The objects, with one changed or (null) left out. */
function spoilt(id: string, change: Spoil | null): KubernetesObject[] {
  const isIt = ({ kind, metadata }: KubernetesObject) => `${kind}/${metadata.name}` === id;
  expect(rendered.dev.filter(isIt)).toHaveLength(1);
  return rendered.dev.flatMap((object) => (isIt(object) ? (change === null ? [] : [change(object)]) : [object]));
}

const withPod =
  (change: (pod: PodSpec) => Partial<PodSpec>): Spoil =>
  (object) => {
    const template = object.spec?.template;
    if (template === undefined) throw new Error(`${object.metadata.name} makes no pods`);
    return {
      ...object,
      spec: { ...object.spec, template: { ...template, spec: { ...template.spec, ...change(template.spec) } } },
    };
  };

const withContainer = (change: Partial<Container>): Spoil =>
  withPod((pod) => ({ containers: pod.containers.map((container) => ({ ...container, ...change })) }));

describe('the rules notice', () => {
  it.each<[string, rules.Rule, string, Spoil | null, string]>([
    ['root', rules.restrictedPods, 'Deployment/api', withPod(() => ({ securityContext: {} })), 'runs as non-root'],
    ['a writable root', rules.restrictedPods, 'StatefulSet/redis', withContainer({ securityContext: {} }), 'read-only'],
    ['no limits', rules.boundedResources, 'Job/migrate', withContainer({ resources: undefined }), 'limits cpu'],
    [
      'liveness that asks too much',
      rules.probed,
      'Deployment/api',
      withContainer({ livenessProbe: { httpGet: { path: '/health/ready', port: 'http' } } }),
      'lives while',
    ],
    [
      'too little time',
      rules.drained,
      'StatefulSet/signaling',
      withPod(() => ({ terminationGracePeriodSeconds: 20 })),
      'at least 30 s',
    ],
    ['no disruption budget', rules.available, 'PodDisruptionBudget/api', null, 'one disruption budget'],
    ['no autoscaler', rules.autoscaled, 'HorizontalPodAutoscaler/webhooks', null, 'one autoscaler'],
    [
      'a port that is not there',
      rules.servedPorts,
      'Deployment/api',
      withContainer({ ports: [] }),
      'port that the container names',
    ],
    ['nameless gateways', rules.namedReplicas, 'Service/signaling', null, 'headless service'],
    [
      'a shared account',
      rules.ownAccounts,
      'Deployment/api',
      withPod(() => ({ serviceAccountName: 'webhooks' })),
      'account of its own',
    ],
    [
      'another version',
      rules.pinnedImages(repositoryVersion),
      'Deployment/api',
      withContainer({ image: 'parley/api:0.0.1' }),
      'parley/api:',
    ],
    ['open doors', deniedByDefault, 'NetworkPolicy/default-deny', null, 'denies'],
    [
      'a policy for nobody',
      policiesMeetPods([]),
      'StatefulSet/redis',
      null,
      'NetworkPolicy/enter-redis: selects no pod',
    ],
  ])('%s', (_what, rule, id, change, expected) => {
    expect(rule(spoilt(id, change)).join('\n')).toContain(expected);
  });

  it('a way that one end forgot', () => {
    expect(reachable(spoilt('NetworkPolicy/enter-redis', null)).filter((way) => way.includes('redis:'))).toEqual([]);
    expect(reachable(spoilt('NetworkPolicy/region-router-to-services', null))).not.toContain(fromRouter[0]);
  });
});
