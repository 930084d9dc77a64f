import type { JsonObject } from '@parley/domain';
import type { VirtualGuest } from './internal-request';

/** A virtual session as its backend is told of it. */
export interface VirtualPresence extends Pick<VirtualGuest, 'roomId' | 'userId' | 'user' | 'actor'> {
  readonly sessionId: string;
  readonly inCall: number;
}

/**
 * Body that tells a backend of a virtual session which came or goes (brief 2.7). One with an actor joins and leaves like
 * anybody; others are only announced.
 */
export function virtualRequestBody(change: 'add' | 'remove', presence: VirtualPresence): string {
  const { actor, roomId, userId, sessionId, user, inCall } = presence;
  const who = { version: '1.0', roomid: roomId, userid: userId || undefined, sessionid: sessionId };
  if (actor === undefined) {
    const session: JsonObject = { ...who, action: change, ...(change === 'add' && user ? { user } : {}) };
    return JSON.stringify({ type: 'session', session });
  }
  const named = { ...who, actorid: actor.id, actortype: actor.type };
  return JSON.stringify({
    type: 'room',
    room: change === 'add' ? { ...named, incall: inCall } : { ...named, action: 'leave' },
  });
}
