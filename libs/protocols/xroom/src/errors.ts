import type { DomainError, DomainErrorCode } from '@parley/domain';
import type { AuthRefusal } from './auth';
import { errorEnvelope, type WireError } from './codec';
import type { Envelope } from './wire.schema';

/** An answer ready to be written: status, headers, JSON body. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Envelope;
}

/**
 * Status and text of every refusal. A refused operation is 200 with `isError`: the wrappers read envelopes, not
 * statuses. The other statuses say that the call did not get as far as an operation.
 */
const TABLE = {
  invalid_input: [200, 'The data of the call is not valid.'],
  unauthenticated: [401, 'The auth id, key or signature is wrong.'],
  replayed_request: [401, 'This x-random was used before.'],
  not_allowed: [200, 'This is not allowed.'],
  domain_not_found: [200, 'The account has no such domain.'],
  wrong_region: [421, 'The domain is at home in another region.'],
  domain_moving: [503, 'The domain is being moved to another region; try again.'],
  room_not_found: [200, 'There is no such room.'],
  room_exists_differently: [200, 'The room is open already, with other options.'],
  room_occupied: [200, 'Somebody is in the room.'],
  room_closing: [200, 'The room is being closed.'],
  room_locked: [200, 'The room is locked.'],
  room_full: [200, 'The room is full.'],
  room_booked: [200, 'The room is booked.'],
  room_reserved: [200, 'The room may not be opened by visitors now.'],
  wrong_password: [200, 'The password is wrong.'],
  wrong_host_key: [200, 'The host key is wrong.'],
  entry_not_allowed: [200, 'Entry is not allowed.'],
  peer_not_found: [200, 'There is no such peer in the room.'],
  booking_exists: [200, 'The room is booked already.'],
  booking_not_found: [200, 'There is no such booking.'],
  webhook_not_found: [200, 'There is no such webhook.'],
  webhook_url_not_allowed: [200, 'The webhook URL is not allowed.'],
  webhook_not_ready: [200, 'The webhook is not told anything now.'],
  delivery_not_found: [200, 'There is no such delivery.'],
  key_not_found: [200, 'There is no such key.'],
  key_exists: [200, 'There is or was a key of this name.'],
  robot_not_found: [200, 'There is no such robot.'],
  session_not_found: [200, 'There is no such session.'],
  session_limit_exceeded: [200, 'There are too many sessions.'],
  ticket_invalid: [200, 'The ticket is not valid.'],
  ticket_expired: [200, 'The ticket has expired.'],
  ticket_used: [200, 'The ticket was used.'],
  rate_limited: [429, 'Too many calls; try again later.'],
  unavailable: [503, 'The service is not available now; try again.'],
} as const satisfies Record<DomainErrorCode, readonly [number, string]>;

const DEFAULT_RETRY_SECONDS = { 429: 60, 503: 5 } as const;

function answer(status: number, message: string, retryAfterSeconds?: number): HttpAnswer {
  const retry = retryAfterSeconds ?? (status === 429 || status === 503 ? DEFAULT_RETRY_SECONDS[status] : undefined);
  const headers: Record<string, string> =
    retry === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retry))) };
  return { status, headers, body: errorEnvelope(message) };
}

/** The answer to a refusal of the core. */
export function answerDomainError(error: DomainError): HttpAnswer {
  const [status, message] = TABLE[error.code];
  const { retryAfterSeconds } = error.details;
  return answer(
    status,
    error.message || message,
    typeof retryAfterSeconds === 'number' ? retryAfterSeconds : undefined,
  );
}

/** The answer to a body that is no request (400, 413) or asks for what does not exist (200). */
export function answerWireError(error: WireError): HttpAnswer {
  return answer({ too_large: 413, unreadable: 400, refused: 200 }[error.code], error.message);
}

/** The answer to missing or wrong credentials (401) or a version we do not speak (400). */
export function answerAuthRefusal(refusal: AuthRefusal): HttpAnswer {
  return answer(refusal.code === 'bad_version' ? 400 : 401, refusal.message);
}

/** The answer to what went wrong on the way to a collection, by HTTP status. Every outcome below `/api` is an envelope. */
export function answerHttpStatus(status: number, errorId?: string): HttpAnswer {
  const texts: Record<number, string> = {
    400: 'The request is not readable. Is Content-Length counted in bytes?',
    404: 'There is no such collection; send POST to /api/room, /api/booking or /api/webhook.',
    405: 'Only POST is understood here.',
    408: 'The request took too long to arrive.',
    413: 'The request is too large.',
    431: 'The headers are too large.',
    429: TABLE.rate_limited[1],
    503: TABLE.unavailable[1],
  };
  const text = texts[status] ?? 'Something went wrong on our side.';
  return answer(status, errorId === undefined ? text : `${text} (${errorId})`);
}
