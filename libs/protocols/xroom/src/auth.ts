import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { fail, ok, type Result } from '@parley/domain';

/** A request as it arrived, before anything was read into it. */
export interface RawRequest {
  readonly method: string;
  /** Request target without the query, e.g. `/api/room`. */
  readonly path: string;
  /** Lower-case names, as Node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface AuthRefusal {
  readonly code: 'bad_version' | 'unauthenticated';
  /** A sentence for the caller; never says which half of the credentials was right. */
  readonly message: string;
}

/** The credentials a request claims, not yet checked. */
export interface Credentials {
  readonly authId: string;
  /** Sent once per auth id. */
  readonly random: string;
  /** Original scheme: signs the random text alone. */
  readonly key: string | undefined;
  /** Present when the caller signs the whole request. */
  readonly signature: { readonly value: string; readonly timestamp: string } | undefined;
}

export const SUPPORTED_VERSIONS = ['1', '2'] as const;
/** Shortest and longest `x-random`, in characters. */
export const RANDOM_LENGTH = { min: 32, max: 256 } as const;
/** How far `x-timestamp` may be from our clock, in seconds. */
export const TIMESTAMP_TOLERANCE_SECONDS = 300;
/** How long an `x-random` is remembered. An account that may send legacy keys needs the longer time for all its calls. */
export const NONCE_TTL_MS = { legacy: 24 * 3_600_000, signed: 15 * 60_000 } as const;
/** Most remembered values of one auth id. */
export const NONCE_LIMIT = 1_000_000;

const HEX_SHA256 = /^[0-9a-f]{64}$/;
const PRINTABLE = /^[\x20-\x7e]+$/;

const refuse = (code: AuthRefusal['code'], message: string) => fail({ code, message });

/** Step 1, before any secret is looked up: version and shape of the headers. */
export function readCredentials(headers: RawRequest['headers']): Result<Credentials, AuthRefusal> {
  const version = single(headers['x-api-version']);
  if (version === undefined) return refuse('bad_version', 'The header x-api-version is missing; send 1 or 2.');
  if (!SUPPORTED_VERSIONS.some((supported) => supported === version.trim())) {
    return refuse('bad_version', 'This x-api-version is not supported; send 1 or 2.');
  }
  const authId = single(headers['x-auth-id']);
  const random = single(headers['x-random']);
  const key = single(headers['x-auth-key']);
  const signature = single(headers['x-signature']);
  const timestamp = single(headers['x-timestamp']);
  if (!authId || authId.length > 128) return refuse('unauthenticated', 'The header x-auth-id is missing or too long.');
  if (!random || random.length < RANDOM_LENGTH.min || random.length > RANDOM_LENGTH.max || !PRINTABLE.test(random)) {
    return refuse(
      'unauthenticated',
      `x-random must be ${RANDOM_LENGTH.min} to ${RANDOM_LENGTH.max} printable characters.`,
    );
  }
  if (!key && !signature) return refuse('unauthenticated', 'Send x-auth-key, or x-timestamp and x-signature.');
  if (signature !== undefined && timestamp === undefined) return refuse('unauthenticated', 'x-timestamp is missing.');
  return ok({
    authId,
    random,
    key,
    signature: signature === undefined ? undefined : { value: signature, timestamp: timestamp ?? '' },
  });
}

/** What the account side of a check is; null when nobody has that auth id. */
export interface AuthAccount {
  readonly secret: string;
  readonly legacyKeys: boolean;
}

/**
 * Step 2: everything that was sent must be right, and a signature must have been sent unless the account may use legacy
 * keys. An unknown account is computed through like a known one, so the answer and its time tell nothing.
 * Answers how long the `x-random` has to be remembered.
 */
export function verifyCredentials(
  credentials: Credentials,
  account: AuthAccount | null,
  request: RawRequest,
  now: Date,
): Result<{ nonceTtlMs: number }, AuthRefusal> {
  const secret = account?.secret ?? 'nobody has this secret';
  const keyIsRight = sameHex(credentials.key, legacyKey(secret, credentials.random));
  const timestamp = credentials.signature?.timestamp ?? '';
  const expected = requestSignature(secret, { ...request, timestamp, random: credentials.random });
  const signatureIsRight = sameHex(credentials.signature?.value, expected);
  const keyPasses = credentials.key === undefined || keyIsRight;
  const signaturePasses = credentials.signature === undefined || signatureIsRight;
  if (account === null || !keyPasses || !signaturePasses) {
    return refuse('unauthenticated', 'The auth id, key or signature is wrong.');
  }
  if (credentials.signature === undefined && !account.legacyKeys) {
    return refuse('unauthenticated', 'This account must sign its requests: send x-timestamp and x-signature.');
  }
  if (credentials.signature !== undefined && !isRecent(timestamp, now)) {
    // Only who knows the secret gets here; they cannot see whose clock it is that is wrong.
    const here = Math.floor(now.getTime() / 1000);
    const rule = `x-timestamp must be Unix seconds, at most ${TIMESTAMP_TOLERANCE_SECONDS} s off`;
    return refuse('unauthenticated', `${rule}; the clock here says ${here}.`);
  }
  return ok({ nonceTtlMs: account.legacyKeys ? NONCE_TTL_MS.legacy : NONCE_TTL_MS.signed });
}

/** `x-auth-key` of the original scheme (manual, "Authentication"): lower-case hex HMAC-SHA256 over the text as sent. */
export function legacyKey(secret: string, random: string): string {
  return createHmac('sha256', secret).update(random, 'utf8').digest('hex');
}

/** `x-signature`: lower-case hex HMAC-SHA256 over method, path, timestamp, random and the body's hash, one per line. */
export function requestSignature(
  secret: string,
  request: { method: string; path: string; timestamp: string; random: string; body: Uint8Array },
): string {
  const bodyHash = createHash('sha256').update(request.body).digest('hex');
  const signed = [request.method.toUpperCase(), request.path, request.timestamp, request.random, bodyHash].join('\n');
  return createHmac('sha256', secret).update(signed, 'utf8').digest('hex');
}

function isRecent(timestamp: string, now: Date): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  return Math.abs(Number(timestamp) - now.getTime() / 1000) <= TIMESTAMP_TOLERANCE_SECONDS;
}

/** Compares in constant time; a malformed candidate is compared with something of the right length all the same. */
function sameHex(candidate: string | undefined, expected: string): boolean {
  const wellFormed = candidate !== undefined && HEX_SHA256.test(candidate);
  const equal = timingSafeEqual(Buffer.from(wellFormed ? candidate : '0'.repeat(64)), Buffer.from(expected));
  return wellFormed && equal;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
