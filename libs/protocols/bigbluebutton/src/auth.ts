import { createHash, timingSafeEqual } from 'node:crypto';

/** Which formula a checksum was made with; also decides the dialect of the answer. */
export type ChecksumDialect = 'draft' | 'modern';

/** Hash algorithms of the modern formula by the length of their hex text. */
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [40, 'sha1'],
  [64, 'sha256'],
  [96, 'sha384'],
  [128, 'sha512'],
]);

/** Checksum of the draft API: SHA-1 over the query without its checksum, and the salt. The call's name is not in it. */
export function draftChecksum(query: string, salt: string): string {
  return hash('sha1', query + salt);
}

/** Checksum of released servers: the call's name goes first. */
export function modernChecksum(call: string, query: string, secret: string, algorithm = 'sha1'): string {
  return hash(algorithm, call + query + secret);
}

/** A raw query taken apart. */
export interface SignedQuery {
  /** The query as sent, without its checksum parameter. */
  readonly query: string;
  readonly checksum: string | undefined;
}

/**
 * Takes the checksum out of a raw, undecoded query, wherever it stands.
 * @returns undefined when there is more than one: such a request is refused before anything else
 */
export function splitChecksum(rawQuery: string): SignedQuery | undefined {
  const parts = rawQuery.split('&');
  const sums = parts.filter((part) => part.startsWith('checksum='));
  if (sums.length > 1) return undefined;
  const rest = parts.filter((part) => !part.startsWith('checksum='));
  // `create?&checksum=x` (Moodle without parameters) signs an empty query.
  const query = rest.length === 1 || rest[0] !== '' ? rest.join('&') : rest.slice(1).join('&');
  return { query, checksum: sums[0]?.slice('checksum='.length) };
}

/**
 * Checks a call against one secret over the raw query.
 * @param call e.g. `create` or `hooks/create`
 * @returns the formula that fits, or undefined. Takes the same time for every wrong checksum of a length.
 */
export function verifyChecksum(call: string, rawQuery: string, secret: string): ChecksumDialect | undefined {
  const signed = splitChecksum(rawQuery);
  if (signed?.checksum === undefined) return undefined;
  const checksum = signed.checksum.toLowerCase();
  const algorithm = ALGORITHMS.get(checksum.length);
  if (algorithm === undefined || !/^[0-9a-f]+$/.test(checksum)) return undefined;
  const isModern = same(checksum, modernChecksum(call, signed.query, secret, algorithm));
  const isDraft = algorithm === 'sha1' && same(checksum, draftChecksum(signed.query, secret));
  if (isModern) return 'modern';
  return isDraft ? 'draft' : undefined;
}

function hash(algorithm: string, text: string): string {
  return createHash(algorithm).update(text, 'utf8').digest('hex');
}

function same(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
