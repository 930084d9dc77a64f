import type { JsonValue } from '@parley/domain';

/** What a backend gets for its request: the whole HTTP answer besides the common headers. */
export interface BackendReply {
  readonly status: number;
  readonly contentType: 'application/json; charset=utf-8' | 'text/plain; charset=utf-8';
  readonly body: string;
}

/** Refusals with a fixed text (brief 1.3). Talk retries 5xx and treats 4xx as fatal for the user's operation. */
const REFUSALS = {
  length_required: [411, 'Length required'],
  too_large: [413, 'Request entity too large'],
  wrong_content_type: [400, 'Unsupported Content-Type'],
  not_authentic: [403, 'Authentication check failed'],
  unreadable: [400, 'Could not read body'],
  blocked: [429, 'Too many requests'],
  guard_failed: [500, 'Could not check for bruteforce'],
  failed: [500, 'Error while processing'],
} as const satisfies Record<string, readonly [number, string]>;

export type BackendRefusal = keyof typeof REFUSALS;

/** One of the refusals. */
export function refuse(refusal: BackendRefusal): BackendReply {
  const [status, text] = REFUSALS[refusal];
  return textReply(status, text);
}

/** How much of an unknown type is repeated to its sender. */
const MAX_TYPE_SHOWN = 64;

/** The request is of a type that is not known here. */
export function unsupportedType(type: string): BackendReply {
  return textReply(400, `Unsupported request type: ${type.slice(0, MAX_TYPE_SHOWN)}`);
}

/** Done; there is nothing to tell. */
export const ACCEPTED: BackendReply = jsonReply(200, {});

/** An answer that says something. */
export function jsonReply(status: number, body: object): BackendReply {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}

/** The answer to a dial-out that was not started: `{type, dialout: {error}}` with a status of its own. */
export function dialoutError(status: number, code: string, message: string, details?: JsonValue): BackendReply {
  return jsonReply(status, { type: 'dialout', dialout: { error: { code, message, details } } });
}

/** The answer to a dial-out that a client took. */
export function dialoutStarted(callId: string): BackendReply {
  return jsonReply(200, { type: 'dialout', dialout: { callid: callId } });
}

function textReply(status: number, text: string): BackendReply {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
}
