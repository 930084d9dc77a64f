import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import {
  brandAs,
  fail,
  ok,
  TICKET_SECONDS,
  type DomainName,
  type RegionId,
  type Result,
  type RoomName,
  type RoomSessionId,
  type TicketClaims,
} from '@parley/domain';
import { compactVerify, SignJWT } from 'jose';
import { z } from 'zod';

/** `typ` of the JWT: another token signed with the same key is no ticket. */
const TICKET_TYPE = 'parley-ticket+jwt';

/** How far the issuer's clock may be ahead, in seconds. */
const CLOCK_SKEW_SECONDS = 5;

export type TicketFailure = 'invalid' | 'expired' | 'not_yet';

export interface TicketIssuer {
  /** A JWT (EdDSA) good for {@link TICKET_SECONDS} from `now`. */
  issue(claims: TicketClaims, now?: Date): Promise<string>;
}

export interface TicketVerifier {
  /** Signature, type and times only. That a ticket is used once and fits this region and room is up to the door. */
  verify(token: string, now: Date): Promise<Result<TicketClaims, TicketFailure>>;
}

const payloadSchema = z.object({
  jti: z.string().min(1),
  iat: z.number(),
  exp: z.number(),
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
export function createTicketIssuer(options: {
  /** PKCS#8 DER of an Ed25519 key, base64. */
  readonly privateKey: string;
  /** The `iss` claim: the URL by which others know this service. */
  readonly issuer: string;
}): TicketIssuer {
  const key = createPrivateKey({ key: Buffer.from(options.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  assertEd25519(key);
  const kid = keyId(createPublicKey(key));
  return {
    issue: ({ id, ...claims }, now = new Date()) => {
      const issuedAt = Math.floor(now.getTime() / 1000);
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'EdDSA', typ: TICKET_TYPE, kid })
        .setIssuer(options.issuer)
        .setJti(id)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + TICKET_SECONDS)
        .sign(key);
    },
  };
}

/**
 * Checks join tickets against one or, during rotation, several public keys.
 * @throws when a key is not an Ed25519 public key
 */
export function createTicketVerifier(options: {
  /** SPKI DER of Ed25519 keys, base64. */
  readonly publicKeys: readonly string[];
}): TicketVerifier {
  const keys = new Map(
    options.publicKeys.map((text) => {
      const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
      assertEd25519(key);
      return [keyId(key), key];
    }),
  );
  return {
    verify: async (token, now) => {
      const payload = await open(token, keys);
      if (payload === undefined) return fail('invalid');
      const { jti, iat, exp, ...claims } = payload;
      const seconds = now.getTime() / 1000;
      if (exp - iat > TICKET_SECONDS) return fail('invalid');
      if (seconds >= exp) return fail('expired');
      if (iat > seconds + CLOCK_SKEW_SECONDS) return fail('not_yet');
      return ok({ id: jti, ...claims });
    },
  };
}

/** The public half, SPKI DER in base64, of a private key as {@link createTicketIssuer} takes it. */
export function ticketPublicKey(privateKey: string): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64');
}

async function open(token: string, keys: ReadonlyMap<string, KeyObject>) {
  try {
    const verified = await compactVerify(
      token,
      (header) => {
        const key = keys.get(String(header.kid));
        if (key === undefined || header.typ !== TICKET_TYPE) throw new Error('not one of our tickets');
        return key;
      },
      { algorithms: ['EdDSA'] },
    );
    const parsed = payloadSchema.safeParse(JSON.parse(new TextDecoder().decode(verified.payload)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Why exactly a stranger's token is no good is of no use to anybody but the stranger.
    return undefined;
  }
}

function keyId(publicKey: KeyObject): string {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(der).digest('base64url').slice(0, 16);
}

function assertEd25519(key: KeyObject): void {
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('tickets need an Ed25519 key');
}
