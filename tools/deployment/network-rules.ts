import {
  selects,
  workloadsOf,
  type KubernetesObject,
  type LabelSelector,
  type PolicyPeer,
  type PolicyRule,
  type Workload,
} from './kubernetes-objects';
import { type Rule } from './kubernetes-rules';

const policiesOf = (objects: readonly KubernetesObject[]) => objects.filter(({ kind }) => kind === 'NetworkPolicy');

/** Everything is closed unless a policy opens it. */
export const deniedByDefault: Rule = (objects) => {
  const found = policiesOf(objects).some(
    ({ spec }) =>
      spec?.podSelector !== undefined &&
      Object.keys(spec.podSelector).length === 0 &&
      spec.ingress === undefined &&
      spec.egress === undefined &&
      ['Ingress', 'Egress'].every((type) => spec.policyTypes?.includes(type)),
  );
  return found ? [] : ['no NetworkPolicy denies what is not allowed'];
};

/**
 * Policies select pods that exist, and name pods that exist as peers.
 * @param elsewhere names (`app.kubernetes.io/name`) of pods that another overlay brings
 */
export const policiesMeetPods =
  (elsewhere: readonly string[]): Rule =>
  (objects) => {
    const known = [
      ...workloadsOf(objects).map(({ labels }) => labels),
      ...elsewhere.map((name) => ({ 'app.kubernetes.io/name': name })),
    ];
    const meets = (selector: LabelSelector) => known.some((labels) => selects(selector, labels));
    return policiesOf(objects).flatMap(({ metadata, spec }) => {
      const id = `NetworkPolicy/${metadata.name}`;
      const rules = [...(spec?.ingress ?? []), ...(spec?.egress ?? [])];
      const peers = rules.flatMap(({ from = [], to = [] }) => [...from, ...to]);
      return [
        ...(meets(spec?.podSelector ?? {}) ? [] : [`${id}: selects no pod`]),
        ...peers
          .filter(
            (peer) =>
              peer.namespaceSelector === undefined && peer.podSelector !== undefined && !meets(peer.podSelector),
          )
          .map((peer) => `${id}: there is no pod ${JSON.stringify(peer.podSelector)}`),
      ];
    });
  };

/**
 * Who reaches whom inside the namespace, as `from -> to:port`, sorted: allowed on the way out of the one and into the
 * other. That is how the network judges it, so a policy forgotten at either end shows.
 */
export function reachable(objects: readonly KubernetesObject[]): string[] {
  const workloads = workloadsOf(objects);
  const ways = workloads.flatMap((from) =>
    workloads.flatMap((to) =>
      to.pod.containers
        .flatMap(({ ports = [] }) => ports)
        .filter((port) => passes(objects, 'egress', from, to, port) && passes(objects, 'ingress', to, from, port))
        .map((port) => `${from.name} -> ${to.name}:${port.containerPort}`),
    ),
  );
  return ways.sort();
}

/** Names of the workloads that may call addresses outside the cluster, with the ports, sorted. */
export function callersOfTheInternet(objects: readonly KubernetesObject[]): string[] {
  const ways = workloadsOf(objects).flatMap(({ name, labels }) =>
    rulesFor(objects, 'egress', labels)
      .filter(({ to }) => to === undefined || to.some(({ ipBlock }) => ipBlock !== undefined))
      .flatMap(({ ports }) => (ports === undefined ? [`${name}:*`] : ports.map(({ port }) => `${name}:${port}`))),
  );
  return [...new Set(ways)].sort();
}

type Direction = 'ingress' | 'egress';
type NamedPort = { readonly name: string; readonly containerPort: number };

function passes(
  objects: readonly KubernetesObject[],
  direction: Direction,
  subject: Workload,
  other: Workload,
  port: NamedPort,
): boolean {
  return rulesFor(objects, direction, subject.labels).some((rule) => {
    const peers = direction === 'egress' ? rule.to : rule.from;
    const openPort =
      rule.ports === undefined ||
      rule.ports.some((open) => open.port === port.name || open.port === port.containerPort);
    return openPort && (peers === undefined || peers.some((peer) => isPeer(peer, other)));
  });
}

/** A pod of this namespace; address blocks mean the outside, namespace selectors other namespaces. */
const isPeer = (peer: PolicyPeer, { labels }: Workload) =>
  peer.ipBlock === undefined && peer.namespaceSelector === undefined && selects(peer.podSelector ?? {}, labels);

function rulesFor(
  objects: readonly KubernetesObject[],
  direction: Direction,
  labels: Readonly<Record<string, string>>,
): PolicyRule[] {
  return policiesOf(objects)
    .filter(({ spec }) => selects(spec?.podSelector ?? {}, labels))
    .flatMap(({ spec }) => spec?.[direction] ?? []);
}
