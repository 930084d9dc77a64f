import { Injectable } from '@nestjs/common';
import type { RegionInfo } from '@parley/contracts';
import { every, type Background, type Logger } from '@parley/server-kit';
import type { ReplicaGroup } from './proxy/replicas';
import type { RegionTable } from './region-table';

const PROBE_EVERY_MS = 5_000;
const PROBE_TIMEOUT_MS = 2_000;

/** Which regions answer, as seen from here. */
@Injectable()
export class RegionStatus {
  private readonly down = new Set<string>();
  private readonly loop: Background;

  constructor(
    private readonly table: RegionTable,
    private readonly own: { readonly api: ReplicaGroup; readonly signaling: ReplicaGroup },
    logger: Logger,
  ) {
    this.loop = every('probe regions', PROBE_EVERY_MS, () => this.probe(), logger);
  }

  regions(): readonly RegionInfo[] {
    return this.table.regions.map(({ id, url }) => {
      const up = id === this.table.own.id ? this.ownIsUp : !this.down.has(id);
      const signalingUrl = `${url.replace(/^http/, 'ws')}/spreed`;
      return { id, url, signalingUrl, pingUrl: `${url}/ping`, status: up ? 'up' : 'down' };
    });
  }

  /** Whether this region as a whole serves: some api and some signaling replica are ready. */
  get ownIsUp(): boolean {
    return this.own.api.anyHealthy && this.own.signaling.anyHealthy;
  }

  /** Asks the other regions' front doors now. */
  async probe(): Promise<void> {
    const others = this.table.regions.filter(({ id }) => id !== this.table.own.id);
    await Promise.all(
      others.map(async ({ id, url }) => {
        const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
        const up = await fetch(`${url}/ping`, { signal, redirect: 'error' }).then(
          (answer) => answer.status === 204,
          () => false,
        );
        if (up) this.down.delete(id);
        else this.down.add(id);
      }),
    );
  }

  close(): Promise<void> {
    return this.loop.close();
  }
}
