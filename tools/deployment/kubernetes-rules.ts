import { selects, workloadsOf, type Container, type KubernetesObject, type Workload } from './kubernetes-objects';

/** Answers what is wrong, one sentence each; an empty list is good. */
export type Rule = (objects: readonly KubernetesObject[]) => string[];

const OWN_IMAGE = /^parley\/([a-z-]+):(.+)$/;

/** The services: workloads of our own images that run on (not the migration job). */
export function servicesOf(objects: readonly KubernetesObject[]): Workload[] {
  return workloadsOf(objects).filter(({ kind, pod }) => kind !== 'Job' && pod.containers.some(isOwn));
}

const isOwn = ({ image }: Container) => OWN_IMAGE.test(image);

/** Sentences for the requirements that do not hold. */
function unmet(subject: string, requirements: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(requirements).flatMap(([text, holds]) => (holds ? [] : [`${subject}: ${text}`]));
}

/** The Pod Security Standard "restricted", a read-only root file system and no token of the Kubernetes API. */
export const restrictedPods: Rule = (objects) =>
  workloadsOf(objects).flatMap(({ id, pod }) => [
    ...unmet(id, {
      'runs as non-root with an explicit user':
        pod.securityContext?.runAsNonRoot === true && (pod.securityContext.runAsUser ?? 0) > 0,
      'has the seccomp profile RuntimeDefault': pod.securityContext?.seccompProfile?.type === 'RuntimeDefault',
      'mounts no service account token': pod.automountServiceAccountToken === false,
      'is told nothing about other services by Kubernetes': pod.enableServiceLinks === false,
      'stays out of the host network': pod.hostNetwork !== true,
      'mounts nothing of the host': (pod.volumes ?? []).every((volume) => !('hostPath' in volume)),
    }),
    ...[...pod.containers, ...(pod.initContainers ?? [])].flatMap((container) =>
      unmet(`${id} ${container.name}`, {
        'cannot gain privileges':
          container.securityContext?.allowPrivilegeEscalation === false &&
          container.securityContext.privileged !== true,
        'has a read-only root file system': container.securityContext?.readOnlyRootFilesystem === true,
        'drops all capabilities':
          container.securityContext?.capabilities?.drop?.includes('ALL') === true &&
          container.securityContext.capabilities.add === undefined,
      }),
    ),
  ]);

/** Requests and limits of processor and memory everywhere. */
export const boundedResources: Rule = (objects) =>
  workloadsOf(objects).flatMap(({ id, pod }) =>
    pod.containers.flatMap(({ name, resources }) =>
      unmet(`${id} ${name}`, {
        'requests cpu and memory': ['cpu', 'memory'].every((unit) => resources?.requests?.[unit] !== undefined),
        'limits cpu and memory': ['cpu', 'memory'].every((unit) => resources?.limits?.[unit] !== undefined),
      }),
    ),
  );

/** Startup, liveness and readiness; liveness never asks a database. */
export const probed: Rule = (objects) =>
  servicesOf(objects).flatMap(({ id, pod }) =>
    pod.containers.flatMap((container) =>
      unmet(id, {
        'starts when /health/live answers': container.startupProbe?.httpGet?.path === '/health/live',
        'lives while /health/live answers': container.livenessProbe?.httpGet?.path === '/health/live',
        'is ready when /health/ready answers': container.readinessProbe?.httpGet?.path === '/health/ready',
        'is asked on its own port http': [
          container.startupProbe,
          container.livenessProbe,
          container.readinessProbe,
        ].every((probe) => probe?.httpGet?.port === 'http'),
      }),
    ),
  );

/** Seconds kept for the work itself, after everybody has been told that the pod is going. */
const WORK_SECONDS = 15;

/** A pause before SIGTERM, and enough time after it. */
export const drained: Rule = (objects) =>
  servicesOf(objects).flatMap(({ id, pod }) =>
    pod.containers.flatMap((container) => {
      const [program, seconds] = container.lifecycle?.preStop?.exec?.command ?? [];
      const waits = (container.env ?? []).filter(({ name }) => /^SHUTDOWN_DELAY_MS$|_DRAIN_MS$/.test(name));
      const waited = waits.reduce((sum, { value }) => sum + Number(value) / 1_000, 0);
      const needed = Number(seconds) + waited + WORK_SECONDS;
      return unmet(id, {
        'sleeps before it is stopped': program === 'sleep' && Number(seconds) > 0,
        [`has at least ${needed} s to stop`]: (pod.terminationGracePeriodSeconds ?? 0) >= needed,
      });
    }),
  );

/** A disruption budget and spreading over nodes and zones for every service. */
export const available: Rule = (objects) =>
  servicesOf(objects).flatMap(({ id, labels, pod }) =>
    unmet(id, {
      'has exactly one disruption budget':
        objects.filter(({ kind, spec }) => kind === 'PodDisruptionBudget' && selects(spec?.selector ?? {}, labels))
          .length === 1,
      'spreads over nodes and zones': ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].every((key) =>
        pod.topologySpreadConstraints?.some(
          ({ topologyKey, labelSelector }) => topologyKey === key && selects(labelSelector ?? {}, labels),
        ),
      ),
    }),
  );

/** One autoscaler each, which owns the number of replicas and takes replicas away slowly. */
export const autoscaled: Rule = (objects) =>
  servicesOf(objects).flatMap(({ id, kind, name, replicas }) => {
    const scalers = objects.filter(
      (object) =>
        object.kind === 'HorizontalPodAutoscaler' &&
        object.spec?.scaleTargetRef?.kind === kind &&
        object.spec.scaleTargetRef.name === name,
    );
    const window = scalers[0]?.spec?.behavior?.scaleDown?.stabilizationWindowSeconds ?? 0;
    return unmet(id, {
      'has exactly one autoscaler': scalers.length === 1,
      'leaves the number of replicas to it': replicas === undefined,
      'scales down slowly, a gateway even more so': window >= (name === 'signaling' ? 900 : 300),
    });
  });

/** Services select pods and name ports that those have. */
export const servedPorts: Rule = (objects) =>
  objects
    .filter(({ kind }) => kind === 'Service')
    .flatMap(({ metadata, spec }) => {
      const matchLabels = (spec?.selector ?? {}) as Record<string, string>;
      const pods = workloadsOf(objects).filter(({ labels }) => selects({ matchLabels }, labels));
      return unmet(`Service/${metadata.name}`, {
        'selects the pods of exactly one workload': pods.length === 1,
        'leads to a port that the container names': (spec?.ports ?? []).every(({ port, targetPort }) =>
          pods.every(({ pod }) =>
            pod.containers.some(({ ports }) =>
              ports?.some((own) => own.name === targetPort && own.containerPort === port),
            ),
          ),
        ),
      });
    });

/** Stateful sets have the headless service that gives their pods names. */
export const namedReplicas: Rule = (objects) =>
  objects
    .filter(({ kind }) => kind === 'StatefulSet')
    .flatMap(({ metadata, spec }) =>
      unmet(`StatefulSet/${metadata.name}`, {
        'has its headless service': objects.some(
          (object) =>
            object.kind === 'Service' &&
            object.metadata.name === spec?.serviceName &&
            object.spec?.clusterIP === 'None',
        ),
      }),
    );

/** Every workload has an account of its own name, without a token. */
export const ownAccounts: Rule = (objects) =>
  workloadsOf(objects).flatMap(({ id, name, pod }) => {
    const account = objects.find(
      (object) => object.kind === 'ServiceAccount' && object.metadata.name === pod.serviceAccountName,
    );
    return unmet(id, {
      'has an account of its own': account?.metadata.name === name,
      'has an account without a token': account?.automountServiceAccountToken === false,
    });
  });

/** Our images carry the workload's name and this version; the others a version that is not "latest". */
export const pinnedImages =
  (version: string): Rule =>
  (objects) =>
    workloadsOf(objects).flatMap(({ id, name, pod }) =>
      pod.containers.flatMap(({ image }) => {
        const [, service, tag] = OWN_IMAGE.exec(image) ?? [];
        if (service === undefined) return unmet(id, { [`${image} names a version`]: /:\d/.test(image) });
        return unmet(id, { [`${image} is parley/${name}:${version}`]: service === name && tag === version });
      }),
    );
