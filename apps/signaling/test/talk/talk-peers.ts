import { memberOf, textOf } from './browser-value';
import { IN_CALL, type Participant } from './talk-view';

/** A connection between two browsers, as far as it has been made. */
interface Peer {
  /** Whether this side offered. */
  readonly offered: boolean;
  readonly sid: string;
  described: boolean;
  /** The other side has named all its candidates. */
  complete: boolean;
}

interface Signal {
  readonly type: string;
  readonly payload?: unknown;
}

/**
 * Browser to browser, for a server without an SFU (brief 7.1): of two, the one whose session id comes first as a text
 * offers.
 */
export class TalkPeers {
  /** What was found odd: both sides offered, an answer nobody asked for. */
  readonly oddities: string[] = [];
  private readonly peers = new Map<string, Peer>();

  /** @param send to one session: `data` of a message */
  constructor(private readonly send: (sessionId: string, data: object) => void) {}

  /** Sessions that both sides described themselves to, with all candidates. */
  get connected(): string[] {
    return [...this.peers].filter(([, { described, complete }]) => described && complete).map(([id]) => id);
  }

  /** With whom this side began. */
  get offeredTo(): string[] {
    return [...this.peers].filter(([, { offered }]) => offered).map(([id]) => id);
  }

  /** The list of participants is new. */
  callChanged(self: string, participants: readonly Participant[]): void {
    const inCall = participants.filter((each) => (Number(each.inCall) & IN_CALL) !== 0);
    const others = inCall.filter(({ sessionId }) => sessionId !== self).filter(({ virtual }) => !virtual);
    if (!inCall.some(({ sessionId }) => sessionId === self)) return this.peers.clear();
    for (const id of [...this.peers.keys()])
      if (!others.some(({ sessionId }) => sessionId === id)) this.peers.delete(id);
    for (const { sessionId } of others) if (self < sessionId && !this.peers.has(sessionId)) this.offer(sessionId);
  }

  /** They are gone: what stood between us is over. */
  gone(sessionIds: readonly string[]): void {
    for (const id of sessionIds) this.peers.delete(id);
  }

  hangUp(): void {
    this.peers.clear();
  }

  /** A message of the negotiation. */
  receive(from: string, data: unknown): void {
    const type = textOf(data, 'type');
    if (type === 'offer') return this.answer(from, data);
    const peer = this.peers.get(from);
    if (peer === undefined) return void this.oddities.push(`${type} of ${from}, with whom nothing was begun`);
    if (type === 'answer') {
      if (!peer.offered || peer.described) return void this.oddities.push(`an answer of ${from} that nobody asked for`);
      peer.described = true;
      return this.nameCandidates(from, peer.sid);
    }
    if (type === 'candidate') memberOf(data, 'payload', 'candidate', 'candidate');
    if (type === 'endOfCandidates') peer.complete = true;
  }

  private offer(to: string): void {
    const peer = { offered: true, sid: String(Date.now()), described: false, complete: false };
    this.peers.set(to, peer);
    this.signal(to, peer.sid, { type: 'offer', payload: { type: 'offer', sdp: `v=0 for ${to}` } });
  }

  private answer(from: string, data: unknown): void {
    textOf(data, 'payload', 'sdp');
    const sid = textOf(data, 'sid');
    if (this.peers.get(from)?.offered) this.oddities.push(`${from} and this one both offered`);
    this.peers.set(from, { offered: false, sid, described: true, complete: false });
    this.signal(from, sid, { type: 'answer', payload: { type: 'answer', sdp: `v=0 for ${from}` } });
    this.nameCandidates(from, sid);
  }

  private nameCandidates(to: string, sid: string): void {
    for (const candidate of ['candidate:1 1 udp 1 192.0.2.1 5000 typ host', '']) {
      this.signal(to, sid, { type: 'candidate', payload: { candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0 } } });
    }
    this.signal(to, sid, { type: 'endOfCandidates' });
  }

  private signal(to: string, sid: string, signal: Signal): void {
    this.send(to, { to, sid, roomType: 'video', ...signal });
  }
}
