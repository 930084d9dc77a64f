import { fail, ok, type Result } from '@parley/domain';
import { checksumMatches } from '../auth';
import { BACKEND_HEADERS } from '../backend-api';
import { refuse, type BackendReply } from './replies';

/** Longest body of a backend's request, in bytes. */
export const MAX_BACKEND_BODY_BYTES = 262_144;

/** Headers as Node's HTTP parser gives them: lower-case names. */
export type RawHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a request that may be read brings to prove who sent it. */
export interface Signature {
  readonly random: string;
  readonly checksum: string;
  /** The backend it says it comes from, as given; absent in the oldest form of the protocol. */
  readonly backendUrl: string | undefined;
}

/**
 * Everything that is checked before the body is read, in this order: length announced, not too long, JSON, signed (brief
 * 1.3, steps 1 to 4). Failures here do not count as attempts to guess a secret.
 */
export function checkHeaders(headers: RawHeaders): Result<Signature, BackendReply> {
  // A chunked body hides its length until all of it was read.
  if (headers['transfer-encoding'] !== undefined) return fail(refuse('length_required'));
  if (Number(headers['content-length'] ?? 0) > MAX_BACKEND_BODY_BYTES) return fail(refuse('too_large'));
  if (!textOf(headers['content-type']).startsWith('application/json')) return fail(refuse('wrong_content_type'));
  const random = textOf(headers[BACKEND_HEADERS.random]);
  const checksum = textOf(headers[BACKEND_HEADERS.checksum]);
  if (random === '' || checksum === '') return fail(refuse('not_authentic'));
  return ok({ random, checksum, backendUrl: textOf(headers[BACKEND_HEADERS.backend]) || undefined });
}

/**
 * Which backend signed the request: the one whose secret gives the checksum over the random and the bytes of the body
 * as they came (steps 7 to 9). None when it could be several: nobody may speak for another one.
 * @param candidates the one the request names, or all when it names none
 */
export function signerOf<Backend extends { readonly secret: string }>(
  { random, checksum }: Signature,
  body: Uint8Array,
  candidates: readonly Backend[],
): Backend | undefined {
  const [signer, another] = candidates.filter(({ secret }) => checksumMatches(secret, random, body, checksum));
  return another === undefined ? signer : undefined;
}

function textOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.join(', ') ?? '');
}
