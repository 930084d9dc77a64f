import type { MessageEvent, Sender, SignalKind } from '@parley/domain';
import type { ClientMessage } from './client-message';
import { DIALECT } from './features';

const SIGNALS: ReadonlyMap<string, SignalKind> = new Map([
  ['offer', 'offer'],
  ['answer', 'answer'],
  ['candidate', 'candidate'],
  ['endOfCandidates', 'end'],
  ['chat', 'chat'],
]);

/** The core's form of a `message` or `control` frame. `data` stays as the client wrote it. */
export function toMessageEvent(
  frame: Extract<ClientMessage, { type: 'message' | 'control' }>,
  sender: Sender,
): MessageEvent {
  return {
    kind: 'message',
    channel: frame.type,
    addressed: frame.recipient.type,
    sender,
    dialect: DIALECT,
    raw: frame.raw,
    signal: SIGNALS.get(frame.dataType ?? '') ?? 'app',
  };
}
