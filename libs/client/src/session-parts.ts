import type { JoinAnswer } from '@parley/contracts';
import type { SocketClass } from './line';
import type { Json } from './parley-error';

/** To whom a message goes. */
export type Recipient =
  | { readonly type: 'session'; readonly sessionid: string }
  | { readonly type: 'user'; readonly userid: string }
  | { readonly type: 'room' }
  | { readonly type: 'call' };

/**
 * `connected`: also after every resume (`reason` is then `resumed`, nothing was missed) and when a new session had to be
 * made (`renewed`: a new id, and what was said meanwhile is lost). `interrupted`: the connection broke, or the room goes on
 * in another region (`moved`; all that was said until then was told). `closed` is the end; `reason` says why.
 */
export type SessionState = 'connected' | 'interrupted' | 'closed';

/** What a session tells. Given before it connects, so that nothing is missed. */
export interface SessionHandlers {
  /** Somebody sent something: `message.sender`, `message.data`. */
  message?(message: Json, kind: 'message' | 'control'): void;
  /** The room, its members: `event.target`, `event.type` and what belongs to it. */
  event?(event: Json): void;
  state?(state: SessionState, reason: string | undefined): void;
}

export interface SessionTimes {
  /** For connecting, and for each answer. */
  readonly answerMs: number;
  /** The first pause before trying again; doubled up to 5 s. */
  readonly retryMs: number;
  /** The first pause, up to twice as long, when the room goes on in another region: its domain takes a while to get there. */
  readonly moveMs: number;
  /** How long a broken connection is tried to be mended. */
  readonly giveUpMs: number;
}

export const SESSION_TIMES: SessionTimes = { answerMs: 10_000, retryMs: 250, moveMs: 2_000, giveUpMs: 120_000 };

export interface SessionParts {
  readonly socketClass: SocketClass;
  /** Asks for another ticket: the first one is used up. */
  readonly rejoin: () => Promise<JoinAnswer>;
  readonly handlers: SessionHandlers;
  readonly times: SessionTimes;
}
