import type { SessionId } from '../kernel/ids';
import type { PeerChange, Presence } from './live-peers';
import type { PeerFacts, ToldPeer } from './peer-store';

/** Something to be told of somebody. */
export interface PeerEvent {
  readonly type: 'peer.joined' | 'peer.left' | 'host.joined';
  readonly facts: PeerFacts;
  readonly occurredAt: Date;
}

/**
 * Makes what is told agree with what happened. Whatever it is shown, and however often, everybody is told to come and to
 * go in turn: a presence that was told to have come is not told again, nor is a going of somebody who was not.
 */
export class PeerLedger {
  readonly events: PeerEvent[] = [];
  private readonly present: Map<SessionId, ToldPeer>;

  /** @param before who is told to be in */
  constructor(private readonly before: readonly ToldPeer[]) {
    this.present = new Map(before.map((peer) => [peer.sessionId, peer]));
  }

  follow(change: PeerChange): void {
    if (change.kind === 'joined') return this.come(change.presence);
    const known = this.present.get(change.sessionId);
    // A going from before it came again is not about it.
    if (known && known.order <= change.order) this.go(known, change.at);
  }

  /** These are in, and nobody else. */
  agree(present: readonly Presence[], at: Date): void {
    const orders = new Map(present.map(({ sessionId, order }) => [sessionId, order]));
    for (const peer of [...this.present.values()]) {
      if (orders.get(peer.sessionId) !== peer.order) this.go(peer, at);
    }
    for (const presence of present) this.come(presence);
  }

  /** Nobody is in but who is told to be: those who came since then have gone. */
  dismissNewcomers(at: Date): void {
    const known = new Set(this.before.map(({ sessionId }) => sessionId));
    for (const peer of [...this.present.values()]) if (!known.has(peer.sessionId)) this.go(peer, at);
  }

  /** Nobody is in any more. */
  end(at: Date): void {
    for (const peer of [...this.present.values()]) this.go(peer, at);
  }

  /** What changed of who is told to be in. */
  difference(): { readonly came: readonly ToldPeer[]; readonly gone: readonly SessionId[] } {
    const before = new Map(this.before.map((peer) => [peer.sessionId, peer]));
    return {
      came: [...this.present.values()].filter((peer) => before.get(peer.sessionId) !== peer),
      gone: this.before.flatMap((peer) => (this.present.get(peer.sessionId) === peer ? [] : [peer.sessionId])),
    };
  }

  private come(presence: Presence): void {
    const { sessionId, order } = presence;
    const known = this.present.get(sessionId);
    if (known && known.order >= order) return;
    const occurredAt = new Date(order);
    if (known) this.go(known, occurredAt);
    const facts = factsOf(presence);
    this.present.set(sessionId, { sessionId, order, facts });
    this.events.push({ type: 'peer.joined', facts, occurredAt });
    if (presence.role === 'host') this.events.push({ type: 'host.joined', facts, occurredAt });
  }

  private go(peer: ToldPeer, occurredAt: Date): void {
    this.present.delete(peer.sessionId);
    this.events.push({ type: 'peer.left', facts: peer.facts, occurredAt });
  }
}

/** Control characters, of which PostgreSQL keeps no NUL, and unpaired surrogates, of which it keeps none. */
const UNKEEPABLE = /[\p{Cc}\p{Cs}]/gu;
const REPLACEMENT = '\ufffd';

/** People name themselves: whatever they write must not keep a room's events from being written. */
function keepable(text: string): string {
  return text.replace(UNKEEPABLE, REPLACEMENT);
}

function factsOf({ sessionId, userId, displayName, role }: Presence): PeerFacts {
  return {
    id: sessionId,
    ...(userId === '' ? {} : { userId: keepable(userId) }),
    ...(displayName === undefined ? {} : { name: keepable(displayName) }),
    ...(role === 'host' ? { isHost: true } : {}),
  };
}
