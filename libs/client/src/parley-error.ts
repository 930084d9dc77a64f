/** What is known of a refusal besides its code. */
export interface ErrorFacts {
  /** HTTP status, when a REST call was refused. */
  readonly status?: number;
  /** Do not try again before that. */
  readonly retryAfterSeconds?: number;
  /** The home region, and the URL of its sockets, when this is not it. */
  readonly region?: string;
  readonly url?: string;
}

/**
 * Something did not work. `code` is for programs: those of the server (`room_locked`, `wrong_password`, `wrong_region`, …),
 * or `unreachable` (no answer), `unreadable` (an answer nobody can make sense of), `closed` (the session is over).
 */
export class ParleyError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly facts: ErrorFacts = {},
  ) {
    super(message);
    this.name = 'ParleyError';
  }
}

/** An object whose members nobody has looked at yet. */
export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
