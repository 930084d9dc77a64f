import { isDomainError, type RoomSessionId } from '@parley/domain';
import type { Live, OwnedSession } from '@parley/live';
import type { Metrics } from '@parley/server-kit';

/**
 * Sessions connected to this replica, counted for operators under the names that this protocol's servers use. Those that
 * wait to be resumed belong to no replica.
 */
export class Census {
  private readonly present = new Set<OwnedSession>();
  /** Those in a call, and where. */
  private readonly calling = new Map<OwnedSession, RoomSessionId>();
  private readonly gauge;
  private readonly opened;
  private readonly resumes;
  private readonly failedResumes;
  private readonly limited;
  private readonly roomGauge;
  private readonly inRooms;
  private readonly inCalls;
  private readonly joinedCalls;
  private readonly calls;
  private readonly countries;
  private readonly roundTrips;

  constructor(
    metrics: Metrics,
    private readonly live: Pick<Live, 'census'>,
  ) {
    const labels = ['backend', 'clienttype'] as const;
    this.gauge = metrics.gauge('signaling_hub_sessions', { help: 'Sessions on this replica', labels });
    this.opened = metrics.counter('signaling_hub_sessions_total', { help: 'Sessions opened', labels });
    this.resumes = metrics.counter('signaling_hub_sessions_resume_total', { help: 'Sessions resumed', labels });
    this.failedResumes = metrics.counter('signaling_hub_sessions_resume_failed_total', { help: 'Resumes refused' });
    this.limited = metrics.counter('signaling_backend_session_limit_exceeded_total', {
      help: 'Sessions refused because their backend has too many',
      labels: ['backend'],
    });
    // Without the room as a label: there is no limit to their number.
    this.inRooms = metrics.gauge('signaling_room_sessions', { help: 'Sessions of this replica in rooms', labels });
    this.inCalls = metrics.gauge('signaling_call_sessions', { help: 'Sessions of this replica in calls', labels });
    this.joinedCalls = metrics.counter('signaling_call_sessions_total', {
      help: 'Sessions that joined a call',
      labels,
    });
    this.calls = metrics.counter('signaling_call_rooms_total', {
      help: 'Calls that a session of this replica was the first one of this replica in',
      labels: ['backend'],
    });
    this.countries = metrics.counter('signaling_client_countries_total', {
      help: 'Clients by country; there is no database of addresses, so it is loopback or unknown',
      labels: ['country'],
    });
    this.roundTrips = metrics.histogram('signaling_client_rtt', {
      help: 'Round trips of WebSocket pings in milliseconds',
      buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000],
    });
    this.roomGauge = metrics.gauge('signaling_hub_rooms', { help: 'Rooms with sessions on this replica' });
  }

  /** Brings the figures up to date that nobody tells of. To be called before they are read. */
  collect(): void {
    this.roomGauge.set(this.rooms);
    this.inRooms.reset();
    this.inCalls.reset();
    for (const session of this.present) if (session.room !== undefined) this.inRooms.inc(labelsOf(session));
    for (const session of this.calling.keys()) this.inCalls.inc(labelsOf(session));
  }

  /** What there is on all replicas, those included that wait to be resumed. */
  everywhere(): Promise<{ readonly sessions: number; readonly rooms: number }> {
    return this.live.census();
  }

  /** A session joined the call of its room, or is in it no more. */
  call(session: OwnedSession, inside: boolean): void {
    const { room } = session;
    if (!inside || room === undefined) return void this.calling.delete(session);
    this.joinedCalls.inc(labelsOf(session));
    if (![...this.calling.values()].includes(room)) this.calls.inc({ backend: backendOf(session.record.tenant) });
    this.calling.set(session, room);
  }

  /** A client answered a ping. */
  answered(roundTripMs: number): void {
    this.roundTrips.observe(roundTripMs);
  }

  /** A client connected from this address. */
  connected(address: string): void {
    const isLocal = address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
    this.countries.inc({ country: isLocal ? 'loopback' : 'unknown-country' });
  }

  /** Those connected right now. */
  all(): readonly OwnedSession[] {
    return [...this.present];
  }

  get sessions(): number {
    return this.present.size;
  }

  /** Rooms with at least one session of this replica in them. */
  get rooms(): number {
    const all = [...this.present].flatMap(({ room }) => (room === undefined ? [] : [room]));
    return new Set(all).size;
  }

  /** A session has a connection here. */
  arrived(session: OwnedSession, how: 'opened' | 'resumed'): void {
    const labels = labelsOf(session);
    (how === 'opened' ? this.opened : this.resumes).inc(labels);
    this.gauge.inc(labels);
    this.present.add(session);
  }

  /** It has none any more. */
  departed(session: OwnedSession): void {
    this.calling.delete(session);
    if (this.present.delete(session)) this.gauge.dec(labelsOf(session));
  }

  resumeRefused(): void {
    this.failedResumes.inc();
  }

  /** A hello failed; notes it when the reason was a full backend. */
  refused(tenant: string, error: unknown): void {
    if (isDomainError(error, 'session_limit_exceeded')) this.limited.inc({ backend: backendOf(tenant) });
  }
}

function labelsOf({ record }: OwnedSession) {
  return { backend: backendOf(record.tenant), clienttype: record.kind };
}

/** A backend's id; `domain:<name>` for our own tickets. Operators make both, so there are not too many; robots are made by others. */
function backendOf(tenant: string): string {
  if (tenant.startsWith('robot:')) return 'robots';
  return tenant.startsWith('backend:') ? tenant.slice('backend:'.length) : tenant;
}
