import type { JsonValue, MessageEvent, SessionId } from '@parley/domain';
import { DIALECT } from '../features';
import type { Frame } from '../frame';
import { messageFrame } from '../from-domain';

/** The `data.type` by which clients tell each other their new name. */
const NEW_NAME = 'nickChanged';

/** Whether a message tells somebody's name: not for those who are not to see names (brief 3.5). */
export function isNewName({ channel, raw }: MessageEvent): boolean {
  if (channel !== 'message' || !raw.includes(NEW_NAME)) return false;
  const data = JSON.parse(raw) as JsonValue;
  return typeof data === 'object' && data !== null && !Array.isArray(data) && data.type === NEW_NAME;
}

/** Tells an internal client that a virtual session of its was thrown out of its room (brief 3.13). */
export function hangUpFrame(sessionId: SessionId, chosenId: string): Frame {
  return messageFrame(
    {
      kind: 'message',
      channel: 'control',
      addressed: 'session',
      // Nobody in particular gave the order; a sender must be there all the same.
      sender: { sessionId, userId: '' },
      dialect: DIALECT,
      raw: JSON.stringify({ type: 'hangup', hangup: { reason: 'disinvited' } }),
    },
    chosenId,
  );
}
