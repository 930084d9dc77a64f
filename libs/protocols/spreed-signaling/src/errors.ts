import { isDomainError, type DomainErrorCode, type JsonObject } from '@parley/domain';

/** The `error` object of an answer. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly details?: JsonObject;
}

/**
 * What each refusal of the core is called on this wire. `no_such_room` covers every way of not being able to see a room,
 * as the specification wants it; where our own clients can do something about it the code is more precise.
 */
const WIRE_CODES = {
  invalid_input: 'invalid_format',
  unauthenticated: 'auth_failed',
  replayed_request: 'invalid_token',
  not_allowed: 'not_allowed',
  domain_not_found: 'no_such_room',
  wrong_region: 'wrong_region',
  domain_moving: 'internal_error',
  room_not_found: 'no_such_room',
  room_exists_differently: 'room_join_failed',
  room_occupied: 'room_join_failed',
  room_closing: 'no_such_room',
  room_locked: 'room_locked',
  room_full: 'room_full',
  room_booked: 'room_booked',
  room_reserved: 'room_reserved',
  wrong_password: 'wrong_password',
  wrong_host_key: 'wrong_host_key',
  entry_not_allowed: 'not_allowed',
  peer_not_found: 'no_such_session',
  booking_exists: 'room_booked',
  booking_not_found: 'no_such_room',
  webhook_not_found: 'internal_error',
  webhook_url_not_allowed: 'internal_error',
  webhook_not_ready: 'internal_error',
  delivery_not_found: 'internal_error',
  key_not_found: 'internal_error',
  key_exists: 'internal_error',
  robot_not_found: 'internal_error',
  session_not_found: 'no_such_session',
  session_limit_exceeded: 'session_limit_exceeded',
  ticket_invalid: 'invalid_token',
  ticket_expired: 'token_expired',
  ticket_used: 'invalid_token',
  rate_limited: 'too_many_requests',
  unavailable: 'internal_error',
} as const satisfies Record<DomainErrorCode, string>;

/** Fixed sentences for the errors this package raises itself. */
const MESSAGES = {
  invalid_format: 'The frame could not be understood.',
  hello_expected: 'Say hello first.',
  invalid_hello_version: 'Only the versions 1.0 and 2.0 are supported.',
  invalid_client_type: 'This client type is not supported.',
  invalid_backend: 'This backend is not known here.',
  invalid_token: 'The token is not valid.',
  token_expired: 'The token has expired.',
  token_not_valid_yet: 'The token is not valid yet.',
  auth_failed: 'The session could not be authenticated.',
  no_such_session: 'The session does not exist any more.',
  no_such_room: 'The room does not exist, or you are not invited.',
  no_such_delivery: 'You were not handed a delivery with this id.',
  already_joined: 'You are in this room already.',
  room_join_failed: 'The room could not be joined.',
  duplicate_session: 'This session is in use already.',
  too_many_requests: 'Too many failed attempts. Try again later.',
  federation_unsupported: 'Federation is not supported here.',
  federation_error: 'The other server could not be reached.',
  not_allowed: 'This is not allowed.',
  not_in_room: 'You are in no room.',
  ignored: 'This was ignored.',
  add_failed: 'The virtual session could not be added.',
  remove_failed: 'The virtual session could not be removed.',
  internal_error: 'Something went wrong here. Try again later.',
} as const;

export type OwnErrorCode = keyof typeof MESSAGES;

/** One of this package's own errors. */
export function wireError(code: OwnErrorCode, details?: JsonObject): WireError {
  return { code, message: MESSAGES[code], ...(details === undefined ? {} : { details }) };
}

/** What a client is told of a refusal by the core. `message` is the rule's own sentence. */
export function domainErrorToWire(code: DomainErrorCode, message: string): WireError {
  return { code: WIRE_CODES[code], message };
}

/** What a client is told of anything thrown. Strangers' messages never leave the house; the caller logs them. */
export function thrownToWire(error: unknown): WireError {
  return isDomainError(error) ? domainErrorToWire(error.code, error.message) : wireError('internal_error');
}
