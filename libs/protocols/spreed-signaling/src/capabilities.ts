import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

/** What a backend says it can do, as far as it matters here (`GET <backend>ocs/v2.php/cloud/capabilities`). */
export interface BackendCapabilities {
  readonly features: readonly string[];
  /** Checks tokens of hello 2.0. */
  readonly helloKey: KeyObject | undefined;
  /** How many entries of a ping it takes in one request; undefined: each room has to be told in a request of its own. */
  readonly pingLimit: number | undefined;
}

const signalingSchema = z.looseObject({
  'hello-v2-token-key': z.string().nullish(),
  'session-ping-limit': z.number().nullish(),
});

const talkSchema = z.looseObject({
  features: z.array(z.string()).nullish(),
  // PHP writes empty objects as lists.
  config: z.looseObject({ signaling: z.union([signalingSchema, z.array(z.unknown())]).nullish() }).nullish(),
});

const documentSchema = z.looseObject({
  ocs: z.looseObject({
    data: z.looseObject({ capabilities: z.looseObject({ spreed: z.unknown().optional() }) }),
  }),
});

/** Reads the answer; undefined when it is none. A Nextcloud without Talk can do nothing of what is looked for here. */
export function readCapabilities(body: string): BackendCapabilities | undefined {
  const document = documentSchema.safeParse(parseJson(body));
  if (!document.success) return undefined;
  const talk = talkSchema.safeParse(document.data.ocs.data.capabilities.spreed ?? {});
  if (!talk.success) return undefined;
  const { features, config } = talk.data;
  const given = config?.signaling;
  const signaling = given && !Array.isArray(given) ? given : {};
  const limit = signaling['session-ping-limit'] ?? 0;
  return {
    features: features ?? [],
    helloKey: readTokenKey(signaling['hello-v2-token-key'] ?? ''),
    pingLimit: limit >= 1 ? Math.floor(limit) : undefined,
  };
}

const RAW_ED25519_BYTES = 32;

/** A public key as PEM, or the 32 bytes of an Ed25519 one in base64. */
export function readTokenKey(text: string): KeyObject | undefined {
  try {
    if (text.includes('-----BEGIN')) return createPublicKey(text);
    const raw = Buffer.from(text, 'base64');
    if (raw.length !== RAW_ED25519_BYTES) return undefined;
    return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') } });
  } catch {
    // What is no key checks no token.
    return undefined;
  }
}

/** How long an answer may be kept (RFC 9111, as far as a single reader needs it). */
export interface CacheRules {
  readonly maxAgeMs: number;
  readonly etag: string | undefined;
  /** What is out of date must not be used, not even when the origin is out of reach. */
  readonly mustRevalidate: boolean;
}

/** @param headers by lower-case name */
export function cacheRulesOf(headers: Readonly<Record<string, string>>): CacheRules {
  const control = (headers['cache-control'] ?? '').toLowerCase();
  const directives = control.split(',').map((part) => part.trim());
  const seconds = directives.map((part) => /^max-age="?(\d{1,9})"?$/.exec(part)?.[1]).find((found) => found);
  const noCache = directives.some((part) => part === 'no-cache' || part === 'no-store');
  return {
    maxAgeMs: noCache ? 0 : Number(seconds ?? 0) * 1_000,
    etag: headers.etag || undefined,
    mustRevalidate: directives.includes('must-revalidate'),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
