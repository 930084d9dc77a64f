import { type Problem, PROBLEM_MEDIA_TYPE } from '@parley/contracts';
import type { DomainError, DomainErrorCode } from '@parley/domain';
import type { FastifyReply } from 'fastify';

/** Status and title of every refusal of the core at our REST API. */
const TABLE = {
  invalid_input: [400, 'The request is not valid'],
  unauthenticated: [401, 'Credentials are missing or wrong'],
  replayed_request: [401, 'The request was made before'],
  not_allowed: [403, 'This is not allowed'],
  domain_not_found: [404, 'There is no such domain'],
  wrong_region: [421, 'The domain is at home in another region'],
  domain_moving: [503, 'The domain is being moved to another region'],
  room_not_found: [404, 'There is no such room'],
  room_exists_differently: [409, 'The room is open with other options'],
  room_occupied: [409, 'Somebody is in the room'],
  room_closing: [409, 'The room is being closed'],
  room_locked: [403, 'The room is locked'],
  room_full: [409, 'The room is full'],
  room_booked: [409, 'The room is booked'],
  room_reserved: [409, 'The room is kept for its owner'],
  wrong_password: [403, 'The password is missing or wrong'],
  wrong_host_key: [403, 'The host key is wrong'],
  entry_not_allowed: [403, 'Entry is not allowed'],
  peer_not_found: [404, 'There is no such peer'],
  booking_exists: [409, 'The room is booked already'],
  booking_not_found: [404, 'There is no such booking'],
  webhook_not_found: [404, 'There is no such webhook'],
  webhook_url_not_allowed: [400, 'The webhook URL is not allowed'],
  webhook_not_ready: [409, 'The webhook is not told anything now'],
  delivery_not_found: [404, 'There is no such delivery'],
  key_not_found: [404, 'There is no such key'],
  key_exists: [409, 'There is or was a key of this name'],
  robot_not_found: [404, 'There is no such robot'],
  session_not_found: [404, 'There is no such session'],
  session_limit_exceeded: [409, 'There are too many sessions'],
  ticket_invalid: [401, 'The ticket is not valid'],
  ticket_expired: [401, 'The ticket has expired'],
  ticket_used: [401, 'The ticket was used'],
  rate_limited: [429, 'Too many requests'],
  unavailable: [503, 'The service is not available'],
} as const satisfies Record<DomainErrorCode, readonly [number, string]>;

/** Refusals that only the HTTP side knows. */
const HTTP_TABLE = {
  not_found: [404, 'There is nothing at this address'],
  method_not_allowed: [405, 'This method is not understood here'],
  request_timeout: [408, 'The request took too long to arrive'],
  conflict: [409, 'There is one already'],
  body_too_large: [413, 'The request is too large'],
  internal_error: [500, 'Something went wrong on our side'],
} as const;

type HttpCode = keyof typeof HTTP_TABLE;

/** A refusal of the HTTP side itself, e.g. of an operator's call that would make a second account of a name. */
export class HttpRefusal extends Error {
  constructor(
    readonly code: HttpCode,
    readonly detail: string,
  ) {
    super(detail);
    this.name = 'HttpRefusal';
  }
}

/** What is wrong with a body. */
export interface InputIssue {
  readonly path: string;
  readonly message: string;
}

/** A body that does not fit its schema. */
export class InvalidInput extends Error {
  constructor(
    readonly detail: string,
    readonly issues: readonly InputIssue[] = [],
  ) {
    super(detail);
    this.name = 'InvalidInput';
  }
}

function problem(code: string, [status, title]: readonly [number, string], detail: string): Problem {
  return { type: `urn:parley:problem:${code}`, title, status, detail, code };
}

/** A refusal of the core as a problem. */
export function problemOf(error: DomainError): Problem {
  const { retryAfterSeconds } = error.details;
  const entry = TABLE[error.code];
  return {
    ...problem(error.code, entry, error.message || `${entry[1]}.`),
    ...(typeof retryAfterSeconds === 'number' ? { retryAfterSeconds: Math.max(1, Math.ceil(retryAfterSeconds)) } : {}),
  };
}

/** A refusal of the HTTP side as a problem. */
export function httpProblem(code: HttpCode, detail = `${HTTP_TABLE[code][1]}.`): Problem {
  return problem(code, HTTP_TABLE[code], detail);
}

/** A body that does not fit as a problem. */
export function inputProblem(error: InvalidInput): Problem {
  const issues = error.issues.map(({ path, message }) => ({ path, message }));
  return { ...problem('invalid_input', TABLE.invalid_input, error.detail), ...(issues.length > 0 ? { issues } : {}) };
}

/** Writes a problem. */
export function sendProblem(reply: FastifyReply, answer: Problem): void {
  const { retryAfterSeconds } = answer;
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (answer.status === 401) void reply.header('www-authenticate', 'Bearer');
  void reply
    .code(answer.status)
    .headers({ 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' })
    // As bytes: Fastify would add a charset to text, which this media type does not have.
    .send(Buffer.from(JSON.stringify({ ...answer, requestId: reply.request.id })));
}
