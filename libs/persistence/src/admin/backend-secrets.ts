import { sameSecret } from '@parley/domain';
import { backendSecretPlace } from '../backend-store';
import type { BackendModel } from '../generated/models';
import type { Connection } from '../prisma-client';
import { SealBroken, type Sealer } from '../sealing';
import { AdminError } from './admin-error';

type Column = Parameters<typeof backendSecretPlace>[1];

/** The secrets of backends, as operators set them. */
export class BackendSecrets {
  constructor(private readonly sealer: Sealer) {}

  seal(id: string, column: Column, secret: string): string {
    return this.sealer.seal(backendSecretPlace(id, column), secret);
  }

  /**
   * No two backends share a secret: who knows one could speak for the other, and a request that names no backend could
   * come from either. To be asked under the lock of backends.
   * @throws AdminError taken
   */
  async assertOwn(tx: Connection, id: string, wanted: readonly (string | null | undefined)[]): Promise<void> {
    const given = wanted.filter((secret) => typeof secret === 'string');
    if (given.length === 0) return;
    for (const other of await tx.backend.findMany({ where: { id: { not: id } } })) {
      const known = [
        ...this.open(other, 'secret', other.secretSealed),
        ...this.open(other, 'internalSecret', other.internalSecretSealed),
      ];
      if (!known.some((secret) => given.some((one) => sameSecret(one, secret)))) continue;
      throw new AdminError('taken', `The backend ${other.id} has this secret already; each needs one of its own.`);
    }
  }

  /** Nothing for what was sealed with a key that is lost: it proves nobody any more. */
  private open({ id }: BackendModel, column: Column, sealed: string | null): string[] {
    if (sealed === null) return [];
    try {
      return [this.sealer.open(backendSecretPlace(id, column), sealed)];
    } catch (error) {
      if (error instanceof SealBroken) return [];
      throw error;
    }
  }
}
