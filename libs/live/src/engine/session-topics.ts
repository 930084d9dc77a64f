import type { SessionId } from '@parley/domain';
import type { Bus } from '../store';

/**
 * The channels of sessions, counted: while a session is resumed on the replica that already has it, the old and the new
 * connection both need its channel, and the old one's goodbye must not take it away.
 */
export class SessionTopics {
  private readonly counts = new Map<SessionId, number>();

  constructor(
    private readonly bus: Bus,
    private readonly dispatch: (session: SessionId, text: string) => void,
  ) {}

  async acquire(session: SessionId): Promise<void> {
    this.counts.set(session, (this.counts.get(session) ?? 0) + 1);
    try {
      await this.bus.listen(`s:${session}`, (text) => this.dispatch(session, text));
    } catch (error) {
      await this.release(session).catch(() => undefined);
      throw error;
    }
  }

  /** Resolves once everything was heard that was told of the session before. */
  async hearAll(session: SessionId): Promise<void> {
    if (this.counts.has(session)) await this.bus.listen(`s:${session}`, (text) => this.dispatch(session, text));
  }

  async release(session: SessionId): Promise<void> {
    const left = (this.counts.get(session) ?? 0) - 1;
    if (left > 0) {
      this.counts.set(session, left);
      return;
    }
    if (this.counts.delete(session)) await this.bus.unlisten(`s:${session}`);
  }
}
