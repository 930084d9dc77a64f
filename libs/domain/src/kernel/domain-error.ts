/**
 * Every refusal the core knows. Each edge has a total table over these codes, so a new one does not compile until every
 * protocol has decided what to answer.
 */
export const DOMAIN_ERROR_CODES = [
  'invalid_input',
  'unauthenticated',
  'replayed_request',
  'not_allowed',
  'domain_not_found',
  'wrong_region',
  'domain_moving',
  'room_not_found',
  'room_exists_differently',
  'room_occupied',
  'room_closing',
  'room_locked',
  'room_full',
  'room_booked',
  'room_reserved',
  'wrong_password',
  'wrong_host_key',
  'entry_not_allowed',
  'peer_not_found',
  'booking_exists',
  'booking_not_found',
  'webhook_not_found',
  'webhook_url_not_allowed',
  'webhook_not_ready',
  'delivery_not_found',
  'key_not_found',
  'key_exists',
  'robot_not_found',
  'session_not_found',
  'session_limit_exceeded',
  'ticket_invalid',
  'ticket_expired',
  'ticket_used',
  'rate_limited',
  'unavailable',
] as const;

export type DomainErrorCode = (typeof DOMAIN_ERROR_CODES)[number];

/** A refusal by the rules: expected, safe to tell the caller. `message` is a sentence for people. */
export class DomainError extends Error {
  constructor(
    readonly code: DomainErrorCode,
    message: string,
    /** Facts for the caller, e.g. `{ retryAfterSeconds: 60 }`. Never secrets. */
    readonly details: Readonly<Record<string, string | number | boolean>> = {},
  ) {
    super(message);
    this.name = 'DomainError';
  }
}

/** True for refusals, false for bugs and outages. */
export function isDomainError(error: unknown, code?: DomainErrorCode): error is DomainError {
  return error instanceof DomainError && (code === undefined || error.code === code);
}
