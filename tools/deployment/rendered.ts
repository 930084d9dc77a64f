import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { renderKustomization, type KubernetesObject } from './kubernetes-objects';
import { repositoryRoot } from './repository-facts';
import { makeSecretsFile } from './secrets-file';
import { temporaryFolder } from './temporary-folder';

/** What `kubectl apply -k` would send, of both kustomizations. */
export interface Rendered {
  readonly base: readonly KubernetesObject[];
  readonly dev: readonly KubernetesObject[];
  /** The dev overlay's secrets, by name; the base wants the same names from its operator. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Renders k8s/ in a copy, where the dev overlay gets fresh secrets. */
export function renderAll(): Rendered {
  const copy = join(temporaryFolder(), 'k8s');
  const source = join(repositoryRoot, 'k8s');
  cpSync(source, copy, { recursive: true, filter: (path) => !path.endsWith('secrets.env') });
  const { values: secrets } = makeSecretsFile(join(copy, 'overlays/dev/secrets.env'));
  return {
    base: renderKustomization(join(copy, 'base')),
    dev: renderKustomization(join(copy, 'overlays/dev')),
    secrets,
  };
}
