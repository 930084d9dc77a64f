import {
  brandAs,
  type DomainName,
  type RegionId,
  type Result,
  type RoomName,
  type RoomSessionId,
  type TicketClaims,
} from '@parley/domain';
import { z } from 'zod';
import { checkingOf, signingOf, type IssuerOptions, type TicketFailure, type VerifierOptions } from './signed-tokens';

export { ticketPublicKey, type TicketFailure } from './signed-tokens';

/** `typ` of the JWT. */
const TICKET_TYPE = 'parley-ticket+jwt';

export interface TicketIssuer {
  /** A JWT (EdDSA) good for `TICKET_SECONDS` from `now`. */
  issue(claims: TicketClaims, now?: Date): Promise<string>;
}

export interface TicketVerifier {
  /** Signature, type and times only. That a ticket is used once and fits this region and room is up to the door. */
  verify(token: string, now: Date): Promise<Result<TicketClaims, TicketFailure>>;
}

const claimsSchema = z.object({
  region: z.string().transform((value) => brandAs<RegionId>(value)),
  room: z.string().transform((value) => brandAs<RoomSessionId>(value)),
  domain: z.string().transform((value) => brandAs<DomainName>(value)),
  roomName: z.string().transform((value) => brandAs<RoomName>(value)),
  role: z.enum(['host', 'by-arrival']),
  passwordVersion: z.union([z.number().int(), z.literal('exempt')]),
  userId: z.string(),
  displayName: z.string().optional(),
});

/**
 * Makes join tickets.
 * @throws when the key is not an Ed25519 private key
 */
export function createTicketIssuer(options: IssuerOptions): TicketIssuer {
  return { issue: signingOf(TICKET_TYPE, options) };
}

/**
 * Checks join tickets against one or, during rotation, several public keys.
 * @throws when a key is not an Ed25519 public key
 */
export function createTicketVerifier(options: VerifierOptions): TicketVerifier {
  return { verify: checkingOf(TICKET_TYPE, claimsSchema, options) };
}
