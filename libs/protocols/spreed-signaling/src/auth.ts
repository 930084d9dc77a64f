import { createHmac, timingSafeEqual } from 'node:crypto';
import { errors, jwtVerify, type CryptoKey, type KeyObject } from 'jose';
import {
  brandAs,
  type DomainName,
  type RegionId,
  type RoomName,
  type RoomSessionId,
  type TicketClaims,
} from '@parley/domain';
import { z } from 'zod';
import { wireError, type WireError } from './errors';

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

/** Which `aud` our own join tickets carry, so that no other token of ours passes for one. */
export const TICKET_AUDIENCE = 'parley:join';

/** How far the clocks of issuer and gateway may differ, in seconds. Tickets are short, so it is small. */
const LEEWAY_SECONDS = 5;

const ticketSchema = z.object({
  jti: z.string().min(1).max(128),
  sub: z.string().max(256).optional(),
  region: z.string().min(1),
  room: z.string().min(1),
  domain: z.string().min(1),
  roomName: z.string().min(1),
  role: z.enum(['host', 'by-arrival']),
  passwordVersion: z.union([z.number().int().nonnegative(), z.literal('exempt')]),
  displayName: z.string().optional(),
});

/** What became of a token. */
export type TicketCheck =
  { readonly ok: true; readonly claims: TicketClaims } | { readonly ok: false; readonly error: WireError };

/**
 * Reads one of our join tickets (an EdDSA JWT) as a hello 2.0 token. Whether it was used before is for the caller.
 * @param keys public keys of the issuers; during a rotation more than one
 */
export async function verifyTicket(
  token: string,
  keys: readonly (CryptoKey | KeyObject)[],
  now: Date,
): Promise<TicketCheck> {
  let refusal = wireError('invalid_token');
  for (const key of keys) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['EdDSA'],
        audience: TICKET_AUDIENCE,
        requiredClaims: ['exp', 'iat', 'jti'],
        clockTolerance: LEEWAY_SECONDS,
        currentDate: now,
      });
      if ((payload.iat ?? 0) > now.getTime() / 1000 + LEEWAY_SECONDS) {
        return { ok: false, error: wireError('token_not_valid_yet') };
      }
      const claims = ticketSchema.safeParse(payload);
      if (!claims.success) return { ok: false, error: wireError('invalid_token') };
      return { ok: true, claims: toClaims(claims.data) };
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) refusal = refusalFor(error);
    }
  }
  return { ok: false, error: refusal };
}

function refusalFor(error: unknown): WireError {
  if (error instanceof errors.JWTExpired) return wireError('token_expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'exp') return wireError('token_expired');
    if (error.claim === 'iat' || error.claim === 'nbf') return wireError('token_not_valid_yet');
  }
  return wireError('invalid_token');
}

function toClaims(payload: z.infer<typeof ticketSchema>): TicketClaims {
  return {
    id: payload.jti,
    region: brandAs<RegionId>(payload.region),
    room: brandAs<RoomSessionId>(payload.room),
    domain: brandAs<DomainName>(payload.domain),
    roomName: brandAs<RoomName>(payload.roomName),
    role: payload.role,
    passwordVersion: payload.passwordVersion,
    userId: payload.sub ?? '',
    ...(payload.displayName === undefined ? {} : { displayName: payload.displayName }),
  };
}
