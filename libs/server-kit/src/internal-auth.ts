import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { fail, ok, type Result } from '@parley/domain';

/** The header with which our services recognise each other. */
export const INTERNAL_HEADER = 'x-parley-internal';

/**
 * What this key is for. The secret itself also signs random texts that internal signaling clients choose: without a key
 * of its own, such a text could be made to look like a call's signature, and the other way round.
 */
const KEY_LABEL = 'parley internal calls v1';

/**
 * How far the clocks of two services may be apart, in milliseconds. Regions have clocks of their own, and one that is ten
 * minutes off must not cut its region off. What a copied header is good for is little: it opens nothing that its call
 * does not open anyway.
 */
const TOLERANCE_MS = 15 * 60_000;

/** Longest text that says something about a call, in characters. */
const MAX_SAYINGS = 4_096;

/** What a signed call says about itself. */
export interface InternalCall {
  readonly method: string;
  /** Path and query, exactly as sent. */
  readonly path: string;
  /** Who calls, e.g. `region-router@eu-1`. */
  readonly from: string;
  /** How many routers have passed it on. */
  readonly hops: number;
  /** What the caller found out about the call, by name: who the client is, which domain it concerns. */
  readonly says?: Readonly<Record<string, string>>;
}

/** What a genuine header tells. */
export type InternalCaller = Required<Pick<InternalCall, 'from' | 'hops' | 'says'>>;

export type InternalAuthFailure = 'missing' | 'invalid' | 'expired';

/**
 * Calls between our own services: an HMAC-SHA256 over method, path, caller, hop count, time and what the caller says. It
 * proves who calls and cannot be moved to another path; it does not cover the body, which only ever travels inside our
 * networks or over TLS.
 */
export class InternalAuth {
  private readonly keys: readonly [KeyObject, ...KeyObject[]];

  /** @param secret `PARLEY_INTERNAL_SECRET`; of several, separated by commas, the first one signs and all are accepted */
  constructor(secret: string) {
    const [first, ...others] = secret
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    if (first === undefined) throw new Error('the internal secret is empty');
    this.keys = [keyOf(first), ...others.map(keyOf)];
  }

  /** The value for {@link INTERNAL_HEADER}. */
  sign(call: InternalCall, now: Date): string {
    const at = now.getTime();
    const says = written(call.says ?? {});
    return `v1 ${at} ${call.hops} ${encodeURIComponent(call.from)} ${says} ${mac(this.keys[0], { ...call, says }, at)}`;
  }

  /** Checks a received header against the request it came with. */
  verify(
    header: string | undefined,
    request: { readonly method: string; readonly path: string },
    now: Date,
  ): Result<InternalCaller, InternalAuthFailure> {
    if (header === undefined) return fail('missing');
    const parts = /^v1 (\d{1,15}) (\d{1,2}) ([\w%.~!*'()-]{1,200}) ([\w-]+) ([0-9a-f]{64})$/.exec(header);
    if (parts === null) return fail('invalid');
    const [, at = '', hops = '', sender = '', says = '', signature = ''] = parts;
    const from = decoded(sender);
    if (from === undefined) return fail('invalid');
    const call = { ...request, from, hops: Number(hops), says };
    const given = Buffer.from(signature, 'hex');
    const genuine = this.keys.some((key) => timingSafeEqual(given, Buffer.from(mac(key, call, Number(at)), 'hex')));
    if (!genuine) return fail('invalid');
    if (Math.abs(now.getTime() - Number(at)) > TOLERANCE_MS) return fail('expired');
    return ok({ from, hops: call.hops, says: read(says) });
  }
}

function keyOf(secret: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', KEY_LABEL, 32)));
}

function mac(key: KeyObject, call: Omit<InternalCall, 'says'> & { readonly says: string }, at: number): string {
  const text = JSON.stringify(['v1', call.method.toUpperCase(), call.path, call.from, call.hops, at, call.says]);
  return createHmac('sha256', key).update(text).digest('hex');
}

/** As one word of a header; `-` for nothing. What would be too long for a header is not said at all. */
function written(says: Readonly<Record<string, string>>): string {
  if (Object.keys(says).length === 0) return '-';
  const text = Buffer.from(JSON.stringify(says)).toString('base64url');
  return text.length > MAX_SAYINGS ? '-' : text;
}

/** Only of a genuine header: we wrote it. */
function read(says: string): Readonly<Record<string, string>> {
  return says === '-' ? {} : (JSON.parse(Buffer.from(says, 'base64url').toString()) as Record<string, string>);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
