import type { ClientMessage } from '../client-message';
import type { ConnectionState, Step } from './connection.types';
import { nothing, withSession } from './effects';

type Internal = Extract<ClientMessage, { type: 'internal' }>;

/** A request only internal clients may make; others are not even told (brief 2.7). */
export function internal(state: ConnectionState, { id, request }: Internal): Step {
  const { session } = state;
  if (session?.identity.kind !== 'internal') return nothing(state);
  switch (request.kind) {
    case 'add-session':
    case 'update-session':
    case 'remove-session':
      return { state, effects: [{ kind: 'virtual', id, request }] };
    case 'in-call': {
      const { inCall } = request;
      if (inCall === session.inCall) return nothing(state);
      // Outside a room they are kept for the next one, also over a resume.
      return { state: withSession(state, { inCall }), effects: [{ kind: 'set-in-call', id, inCall }] };
    }
    case 'dialout':
      return { state, effects: [{ kind: 'dialout-report', id, roomId: request.roomId, report: request.report }] };
    case 'unknown':
      return nothing(state);
  }
}
