import type { LiveSessions, OwnedSession } from '@parley/live';
import type { BackendStore } from '@parley/persistence';
import { every, type Background, type Logger } from '@parley/server-kit';
import { inBatches } from '../backend-requests/in-batches';
import type { Census } from './census';
import { rightOf } from './entry-right';

/** How often it is looked without a call, in milliseconds: calls may be lost. */
const LOOK_MS = 10_000;

/** What clients hear in the bye. */
export const BACKEND_REMOVED = 'backend_removed';

export interface EvictionsParts {
  readonly census: Pick<Census, 'all'>;
  readonly sessions: Pick<LiveSessions, 'end'>;
  readonly backends: Pick<BackendStore, 'byId'>;
  readonly logger: Logger;
}

/** Ends the sessions of this replica whose backend was removed. Those without a connection end when they are resumed. */
export class Evictions {
  private readonly loop: Background;

  constructor(private readonly parts: EvictionsParts) {
    this.loop = every('evictions', LOOK_MS, () => this.look(), parts.logger);
  }

  /** Backends may have changed. */
  call(): void {
    this.look().catch((error: unknown) => {
      this.parts.logger.warn({ err: error }, 'sessions of removed backends were not looked for');
    });
  }

  async close(): Promise<void> {
    await this.loop.close();
  }

  private async look(): Promise<void> {
    const { census, sessions } = this.parts;
    const byBackend = new Map<string, OwnedSession[]>();
    for (const session of census.all()) {
      const backendId = backendIdOf(session);
      if (backendId === undefined) continue;
      const known = byBackend.get(backendId);
      if (known === undefined) byBackend.set(backendId, [session]);
      else known.push(session);
    }
    for (const [backendId, its] of byBackend) {
      if ((await this.parts.backends.byId(backendId)) !== null) continue;
      await inBatches(its, ({ record }) => sessions.end(record.id, BACKEND_REMOVED));
    }
  }
}

/** Whether the backend that let a session in is not there any more. While that cannot be told, it is. */
export async function isOrphaned(backends: Pick<BackendStore, 'byId'>, session: OwnedSession): Promise<boolean> {
  const backendId = backendIdOf(session);
  if (backendId === undefined) return false;
  return backends.byId(backendId).then(
    (backend) => backend === null,
    () => false,
  );
}

function backendIdOf({ record }: OwnedSession): string | undefined {
  const right = rightOf(record);
  return 'backendId' in right ? (right.backendId ?? undefined) : undefined;
}
