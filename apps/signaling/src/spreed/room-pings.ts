import { randomUUID } from 'node:crypto';
import type { LiveRooms, RoomStore } from '@parley/domain';
import type { LiveGuards } from '@parley/live';
import type { Backend, BackendStore } from '@parley/persistence';
import { every, type Background, type Logger, type Metrics } from '@parley/server-kit';
import type { NextcloudClient, PingEntry } from './nextcloud-client';

/** Rooms whose members are read side by side. */
const AT_ONCE = 50;

export interface RoomPingsParts {
  readonly backends: Pick<BackendStore, 'list'>;
  readonly rooms: Pick<RoomStore, 'listOpen'>;
  readonly live: Pick<LiveRooms, 'members'>;
  readonly guards: Pick<LiveGuards, 'lease'>;
  readonly nextcloud: Pick<NextcloudClient, 'ping'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** How often each backend hears of its sessions, in milliseconds. */
  readonly intervalMs?: number;
}

/**
 * Tells every backend, every ten seconds, which of its sessions are in rooms, or it drops them (brief 3.1). One replica
 * does it for all, whichever is the first to notice that it is time.
 */
export class RoomPings {
  private readonly intervalMs: number;
  private readonly loop: Background;
  private readonly underWay = new Map<string, Promise<void>>();

  private readonly known;
  private readonly limits;

  constructor(private readonly parts: RoomPingsParts) {
    this.known = parts.metrics.gauge('signaling_backend_current', { help: 'Backends that may use this cluster' });
    this.limits = parts.metrics.gauge('signaling_backend_session_limit', {
      help: 'How many sessions a backend may have',
      labels: ['backend'],
    });
    this.intervalMs = parts.intervalMs ?? 10_000;
    this.loop = every('room pings', this.intervalMs / 10, () => this.look(), parts.logger);
  }

  async close(): Promise<void> {
    await this.loop.close();
    await Promise.all(this.underWay.values());
  }

  /** Backends are told side by side: one that does not answer must not cost the sessions of another. */
  private async look(): Promise<void> {
    const backends = await this.parts.backends.list();
    this.known.set(backends.length);
    this.limits.reset();
    for (const { id, sessionLimit } of backends)
      if (sessionLimit !== null) this.limits.set({ backend: id }, sessionLimit);
    for (const backend of backends) {
      if (this.underWay.has(backend.id) || !(await this.isTime(backend))) continue;
      const work = this.ping(backend)
        .catch((error: unknown) => {
          this.parts.logger.warn({ err: error, backend: backend.id }, 'a backend was not told who is in its rooms');
        })
        .finally(() => this.underWay.delete(backend.id));
      this.underWay.set(backend.id, work);
    }
  }

  /** Nobody else holds such a lease: it is free again when the time has come, also when its holder died. */
  private isTime({ id }: Backend): Promise<boolean> {
    return this.parts.guards.lease(`room-pings:${id}`, randomUUID(), Math.round(this.intervalMs * 0.95));
  }

  private async ping(backend: Backend): Promise<void> {
    const byUrl = new Map<string, PingEntry[]>();
    for (const { url, ...entry } of await this.present(backend)) {
      const entries = byUrl.get(url);
      if (entries === undefined) byUrl.set(url, [entry]);
      else entries.push(entry);
    }
    for (const [url, entries] of byUrl) await this.parts.nextcloud.ping(backend, url, entries);
  }

  private async present(backend: Backend): Promise<(PingEntry & { url: string })[]> {
    const rooms = (await this.parts.rooms.listOpen(backend.domain)).filter(({ openedBy }) => openedBy === 'backend');
    const found: (PingEntry & { url: string })[] = [];
    for (let start = 0; start < rooms.length; start += AT_ONCE) {
      const some = rooms.slice(start, start + AT_ONCE);
      const members = (await Promise.all(some.map(({ id }) => this.parts.live.members(id)))).flat();
      for (const { foreign, foreignSessionId, kind } of members) {
        // Those of other clusters are kept alive by their own backend.
        if (foreign?.backend !== backend.id || foreignSessionId === undefined || kind === 'federation') continue;
        const { room, userId, url } = foreign;
        found.push({ roomId: room, userId, sessionId: foreignSessionId, url });
      }
    }
    return found;
  }
}
