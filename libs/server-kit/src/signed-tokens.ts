import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { fail, ok, TICKET_SECONDS, type RegionId, type Result } from '@parley/domain';
import { compactVerify, SignJWT } from 'jose';
import { z } from 'zod';

/** How far the issuer's clock may be ahead, in seconds. */
const CLOCK_SKEW_SECONDS = 5;

export type TicketFailure = 'invalid' | 'expired' | 'not_yet';

export interface IssuerOptions {
  /** PKCS#8 DER of an Ed25519 key, base64. */
  readonly privateKey: string;
  /** The `iss` claim: the URL by which others know this service. */
  readonly issuer: string;
}

export interface VerifierOptions {
  /** SPKI DER of Ed25519 keys, base64. */
  readonly publicKeys: readonly string[];
  /**
   * Where they are checked. Tickets of other regions are read whatever their times: other regions have other clocks, and
   * all that such a ticket gets here is to be told where it belongs. Without it the times of all are checked.
   */
  readonly region?: RegionId;
}

/** What every ticket of ours says about itself. */
const frameSchema = z.object({ jti: z.string().min(1), iat: z.number(), exp: z.number() });

/**
 * Signs tickets of one kind: EdDSA JWTs good for {@link TICKET_SECONDS} from `now`.
 * @param type `typ` of the JWT: a token of another kind signed with the same key is no ticket of this one
 * @throws when the key is not an Ed25519 private key
 */
export function signingOf<Claims extends { readonly id: string }>(
  type: string,
  options: IssuerOptions,
): (claims: Claims, now?: Date) => Promise<string> {
  const key = createPrivateKey({ key: Buffer.from(options.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  assertEd25519(key);
  const kid = keyId(createPublicKey(key));
  return ({ id, ...claims }, now = new Date()) => {
    const issuedAt = Math.floor(now.getTime() / 1000);
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', typ: type, kid })
      .setIssuer(options.issuer)
      .setJti(id)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + TICKET_SECONDS)
      .sign(key);
  };
}

/**
 * Checks signature, kind and times of tickets, against one or, during rotation, several public keys.
 * @param claims what it has to say besides its id; the rest is dropped
 * @throws when a key is not an Ed25519 public key
 */
export function checkingOf<Claims extends { readonly region: RegionId }>(
  type: string,
  claims: z.ZodType<Claims>,
  options: VerifierOptions,
): (token: string, now: Date) => Promise<Result<Claims & { readonly id: string }, TicketFailure>> {
  const keys = new Map(
    options.publicKeys.map((text) => {
      const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
      assertEd25519(key);
      return [keyId(key), key];
    }),
  );
  return async (token, now) => {
    const payload = await open(token, type, keys);
    const frame = frameSchema.safeParse(payload);
    const said = claims.safeParse(payload);
    if (!frame.success || !said.success) return fail('invalid');
    const { jti, iat, exp } = frame.data;
    const seconds = now.getTime() / 1000;
    if (exp - iat > TICKET_SECONDS) return fail('invalid');
    const ticket = { ...said.data, id: jti };
    if (options.region !== undefined && ticket.region !== options.region) return ok(ticket);
    if (seconds >= exp) return fail('expired');
    if (iat > seconds + CLOCK_SKEW_SECONDS) return fail('not_yet');
    return ok(ticket);
  };
}

/** The public half, SPKI DER in base64, of a private key in {@link IssuerOptions}. */
export function ticketPublicKey(privateKey: string): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64');
}

async function open(token: string, type: string, keys: ReadonlyMap<string, KeyObject>): Promise<unknown> {
  try {
    const verified = await compactVerify(
      token,
      (header) => {
        const key = keys.get(String(header.kid));
        if (key === undefined || header.typ !== type) throw new Error('not one of our tickets');
        return key;
      },
      { algorithms: ['EdDSA'] },
    );
    return JSON.parse(new TextDecoder().decode(verified.payload));
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
