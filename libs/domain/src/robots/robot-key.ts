import { createHash } from 'node:crypto';
import type { IdSource } from '../kernel/id-source';

const KEY_BYTES = 32;
/** How much of a hash tells one key of a robot from another. */
const MARK_LENGTH = 16;

/** A new connect key, `rk_` and 64 hex digits. Shown once. */
export function newConnectKey(ids: IdSource): string {
  return `rk_${ids.random(KEY_BYTES)}`;
}

/** What is kept of a connect key: it is random, so its plain SHA-256 gives nothing away. */
export function connectKeyHash(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

/** The beginning of a {@link connectKeyHash}: names the key where only its replacement has to be noticed. */
export function keyMarkOf(keyHash: string): string {
  return keyHash.slice(0, MARK_LENGTH);
}
