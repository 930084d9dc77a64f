import {
  brandAs,
  type DomainName,
  type RegionId,
  type Result,
  type RobotId,
  type RobotTicketClaims,
} from '@parley/domain';
import { z } from 'zod';
import { checkingOf, signingOf, type IssuerOptions, type TicketFailure, type VerifierOptions } from './signed-tokens';

/** `typ` of the JWT: no room's door takes a robot's ticket, and no robot comes in with one for a room. */
const ROBOT_TICKET_TYPE = 'parley-robot-ticket+jwt';

export interface RobotTicketIssuer {
  /** A JWT (EdDSA) good for `TICKET_SECONDS` from `now`. */
  issue(claims: RobotTicketClaims, now?: Date): Promise<string>;
}

export interface RobotTicketVerifier {
  /** Signature, type and times only. That it is used once, and the robot still there, is up to the gateway. */
  verify(token: string, now: Date): Promise<Result<RobotTicketClaims, TicketFailure>>;
}

const claimsSchema = z.object({
  region: z.string().transform((value) => brandAs<RegionId>(value)),
  robot: z
    .number()
    .int()
    .transform((value) => brandAs<RobotId>(value)),
  domain: z.string().transform((value) => brandAs<DomainName>(value)),
  keyMark: z.string(),
});

/**
 * Makes tickets of robots.
 * @throws when the key is not an Ed25519 private key
 */
export function createRobotTicketIssuer(options: IssuerOptions): RobotTicketIssuer {
  return { issue: signingOf(ROBOT_TICKET_TYPE, options) };
}

/**
 * Checks tickets of robots against one or, during rotation, several public keys.
 * @throws when a key is not an Ed25519 public key
 */
export function createRobotTicketVerifier(options: VerifierOptions): RobotTicketVerifier {
  return { verify: checkingOf(ROBOT_TICKET_TYPE, claimsSchema, options) };
}
