import type { CoreEvent, SessionId } from '@parley/domain';
import { brandAs } from '@parley/domain';
import type { OwnedSession } from '@parley/live';
import { MESSAGE_SEQ, type Effect } from '@parley/protocol-spreed-signaling';
import type { Outbox } from '../connections/outbox';

type Relay = Extract<Effect, { kind: 'relay' }>;

/**
 * One connection's part in the shortcut between sessions of a replica: what it may send and take directly, and what has
 * to go to the log after all because its socket did not take it at once.
 */
export class DirectMail {
  private allowed = false;
  private joins = 0;
  private unlogged: CoreEvent[] = [];

  constructor(private readonly outbox: Pick<Outbox<never>, 'isClear' | 'isEmpty'>) {}

  /** Whoever numbers messages gets and sends all of them through the logs: exactly once, whatever dies. */
  opened(features: readonly string[], transport: 'websocket' | 'socket.io'): void {
    this.allowed = transport === 'websocket' && !features.includes(MESSAGE_SEQ);
  }

  /** True: it was handed over. */
  send(owned: OwnedSession | undefined, { recipient, event }: Relay): boolean {
    if (!this.allowed || recipient.type !== 'session' || owned === undefined) return false;
    return owned.sendDirectly(brandAs<SessionId>(recipient.sessionId), event);
  }

  /** While a join is being answered, what concerns the new room is held back: nothing can be taken directly then. */
  async joining<T>(work: () => Promise<T>): Promise<T> {
    this.joins += 1;
    return work().finally(() => (this.joins -= 1));
  }

  /** Takes an event without a place in the log, to be written in this turn; false: not now. */
  take(event: CoreEvent): boolean {
    if (!this.allowed || this.joins > 0 || !this.outbox.isClear) return false;
    this.unlogged.push(event);
    return true;
  }

  /** After writing, or when nothing will be written any more. */
  written(owned: OwnedSession | undefined): void {
    if (this.unlogged.length === 0) return;
    const events = this.unlogged;
    this.unlogged = [];
    if (!this.outbox.isEmpty) owned?.keep(events);
  }
}
