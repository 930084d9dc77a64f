import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { fail, ok, type JsonObject, type Result } from '@parley/domain';
import { compactVerify } from 'jose';
import { z } from 'zod';
import { nestsDeeperThan } from './depth';
import { wireError, type WireError } from './errors';
import { LIMITS } from './features';

/** Shortest random an internal client may send (section "Client type internal"). */
export const MIN_RANDOM_LENGTH = 32;

/**
 * Checksum of a request between a backend and the signaling server, lower-case hex (section "Backend requests").
 * @param body the exact bytes of the body
 */
export function backendChecksum(secret: string, random: string, body: string | Uint8Array): string {
  return createHmac('sha256', secret).update(random).update(body).digest('hex');
}

/** Whether a checksum is right; in constant time. */
export function checksumMatches(secret: string, random: string, body: string | Uint8Array, given: string): boolean {
  return sameText(backendChecksum(secret, random, body), given);
}

/** Whether an internal client knows the shared secret. A short random is refused. */
export function internalTokenMatches(secret: string, random: string, token: string): boolean {
  if (random.length < MIN_RANDOM_LENGTH) return false;
  return sameText(createHmac('sha256', secret).update(random).digest('hex'), token);
}

function sameText(expected: string, given: string): boolean {
  const left = Buffer.from(expected);
  const right = Buffer.from(given);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** What a token may be signed with (section "Protocol version 2.0"). Never a shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** How far the clocks of backend and gateway may differ, in seconds. */
const LEEWAY_SECONDS = 60;

const tokenSchema = z.looseObject({
  iat: z.number().optional(),
  nbf: z.number().optional(),
  exp: z.number().optional(),
  sub: z.string().nullish(),
  userdata: z.record(z.string(), z.unknown()).nullish(),
});

/** Who a backend's token says is connecting. */
export interface TokenUser {
  /** Empty for guests. */
  readonly userId: string;
  readonly user: JsonObject | undefined;
}

/**
 * Reads the token of a hello 2.0 as a foreign backend signs it (brief 2.3). `iat` and `exp` are demanded; `iss`, `aud`
 * and `jti` are not looked at.
 */
export async function readHelloToken(token: string, key: KeyObject, now: Date): Promise<Result<TokenUser, WireError>> {
  const payload = await openToken(token, key);
  if (payload === undefined) return fail(wireError('invalid_token'));
  const { iat, nbf, exp, sub, userdata } = payload;
  const seconds = now.getTime() / 1000;
  if (iat === undefined || Math.max(iat, nbf ?? 0) > seconds + LEEWAY_SECONDS) {
    return fail(wireError('token_not_valid_yet'));
  }
  if (exp === undefined || exp < iat || exp < seconds - LEEWAY_SECONDS) return fail(wireError('token_expired'));
  // It was read with JSON.parse and is an object.
  return ok({ userId: sub ?? '', user: (userdata ?? undefined) as JsonObject | undefined });
}

async function openToken(token: string, key: KeyObject): Promise<z.infer<typeof tokenSchema> | undefined> {
  try {
    const { payload } = await compactVerify(token, key, { algorithms: ALGORITHMS });
    const text = new TextDecoder().decode(payload);
    return nestsDeeperThan(text, LIMITS.maxDepth) ? undefined : tokenSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Why a stranger's token does not open is of no use to anybody but the stranger.
    return undefined;
  }
}
