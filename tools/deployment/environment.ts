import { join } from 'node:path';
import { type loadEnv } from '@parley/config';
import { assignments, readDockerfile } from './dockerfile';
import { type EnvironmentVariable, type KubernetesObject, type Workload } from './kubernetes-objects';
import { repositoryRoot } from './repository-facts';

export type Environment = Readonly<Record<string, string>>;
export type ConfigSchema = Parameters<typeof loadEnv>[0];

/** What the image sets for every service. */
export function imageEnvironment(): Environment {
  const { stages } = readDockerfile(join(repositoryRoot, 'Dockerfile'));
  const runtime = stages.find(({ name }) => name === 'runtime')?.instructions ?? [];
  return Object.assign(
    {},
    ...runtime.filter(({ word }) => word === 'ENV').map(({ rest }) => assignments(rest)),
  ) as Environment;
}

/**
 * What a pod's only container finds in its environment, the image's part aside.
 * @param secrets stand in for the secret `parley-secrets` where the objects hold none
 * @throws Error when a config map, a secret or a key that is named does not exist
 */
export function podEnvironment(
  { id, name, pod }: Workload,
  objects: readonly KubernetesObject[],
  secrets: Environment,
): Environment {
  const mapped = (map: string) => {
    const found = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === map);
    if (found?.data === undefined) throw new Error(`${id} names the config map ${map}, which is not there`);
    return found.data;
  };
  const valueOf = ({ name: variable, value, valueFrom }: EnvironmentVariable): string => {
    const { configMapKeyRef, secretKeyRef, fieldRef } = valueFrom ?? {};
    const found =
      value ??
      (configMapKeyRef && mapped(configMapKeyRef.name)[configMapKeyRef.key]) ??
      (secretKeyRef && /^parley-secrets(-|$)/.test(secretKeyRef.name) ? secrets[secretKeyRef.key] : undefined) ??
      (fieldRef?.fieldPath === 'metadata.name' ? `${name}-0` : undefined);
    if (found === undefined) throw new Error(`${id}: the source of ${variable} is not there`);
    return found;
  };
  const [container] = pod.containers;
  const shared = (container?.envFrom ?? []).map(({ configMapRef }) => mapped(configMapRef?.name ?? 'without a name'));
  // What may be missing from a secret, and is, is not set.
  const isLeftOut = ({ valueFrom }: EnvironmentVariable) =>
    valueFrom?.secretKeyRef?.optional === true && !(valueFrom.secretKeyRef.key in secrets);
  const given = (container?.env ?? []).filter((variable) => !isLeftOut(variable));
  const own = given.map((variable) => [variable.name, valueOf(variable)] as const);
  return { ...(Object.assign({}, ...shared) as Environment), ...Object.fromEntries(own) };
}

/**
 * The schema that a service reads its environment with. Found at run time: the borders keep tools from depending on apps,
 * and these tests only inspect them.
 */
export async function configSchemaOf(service: string): Promise<ConfigSchema> {
  const loaded: unknown = await import(join(repositoryRoot, 'apps', service, 'src/config'));
  if (!isConfigModule(loaded)) throw new Error(`apps/${service}/src/config.ts exports no configSchema`);
  return loaded.configSchema;
}

function isConfigModule(loaded: unknown): loaded is { readonly configSchema: ConfigSchema } {
  return typeof loaded === 'object' && loaded !== null && 'configSchema' in loaded;
}
