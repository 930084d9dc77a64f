import type { JsonValue } from '@parley/domain';
import { withStringsAt } from '../raw-member';
import { isObject } from './chat';
import type { FederationNames } from './names';
import { editOf, sessionsInPayload } from './own-ids';

/**
 * A frame of this side's client as the other cluster is to read it; undefined when nobody there should hear of it: what
 * the client sends to itself.
 * @param text valid JSON
 */
export function remoteFrame(text: string, names: FederationNames): string | undefined {
  const frame = JSON.parse(text) as JsonValue;
  if (!isObject(frame)) return text;
  const { type } = frame;
  if (type === 'transient' && isObject(frame.transient)) {
    const rename = (key: string) => names.remoteKey(key);
    return withStringsAt(text, editOf(frame.transient.key, ['transient', 'key'], rename));
  }
  if (type !== 'message' && type !== 'control') return text;
  const message = frame[type];
  if (!isObject(message)) return text;
  const { recipient, data } = message;
  if (isObject(recipient) && typeof recipient.sessionid === 'string' && names.isSelf(recipient.sessionid)) {
    return undefined;
  }
  return withStringsAt(
    text,
    sessionsInPayload(data, [type, 'data'], (id) => names.remoteSession(id)),
  );
}
