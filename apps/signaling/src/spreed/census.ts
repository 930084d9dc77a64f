import { isDomainError } from '@parley/domain';
import type { OwnedSession } from '@parley/live';
import type { Metrics } from '@parley/server-kit';

/**
 * Sessions connected to this replica, counted for operators under the names that this protocol's servers use. Those that
 * wait to be resumed belong to no replica.
 */
export class Census {
  private readonly present = new Set<OwnedSession>();
  private readonly gauge;
  private readonly opened;
  private readonly resumes;
  private readonly failedResumes;
  private readonly limited;
  private readonly roomGauge;

  constructor(metrics: Metrics) {
    const labels = ['backend', 'clienttype'] as const;
    this.gauge = metrics.gauge('signaling_hub_sessions', { help: 'Sessions on this replica', labels });
    this.opened = metrics.counter('signaling_hub_sessions_total', { help: 'Sessions opened', labels });
    this.resumes = metrics.counter('signaling_hub_sessions_resume_total', { help: 'Sessions resumed', labels });
    this.failedResumes = metrics.counter('signaling_hub_sessions_resume_failed_total', { help: 'Resumes refused' });
    this.limited = metrics.counter('signaling_backend_session_limit_exceeded_total', {
      help: 'Sessions refused because their backend has too many',
      labels: ['backend'],
    });
    this.roomGauge = metrics.gauge('signaling_hub_rooms', { help: 'Rooms with sessions on this replica' });
  }

  /** Brings the figures up to date that nobody tells of. To be called before they are read. */
  collect(): void {
    this.roomGauge.set(this.rooms);
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

/** A backend's id; `domain:<name>` for our own tickets. Operators make both, so there are not too many. */
function backendOf(tenant: string): string {
  return tenant.startsWith('backend:') ? tenant.slice('backend:'.length) : tenant;
}
