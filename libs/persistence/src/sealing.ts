import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Where a secret stands. It is part of the seal, so a sealed text moved to another row or column does not open. */
export interface SealedPlace {
  readonly table: string;
  readonly row: string;
  readonly column: string;
}

/** A key that seals; its id stands in front of what it sealed. */
export interface MasterKey {
  readonly id: string;
  readonly key: Buffer;
}

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;

/**
 * Reads `k1:<base64 of 32 bytes>,k2:...`. The first key seals; the others only open what they sealed before, until
 * nothing of theirs is left.
 * @throws Error that names the key, never its value
 */
export function parseMasterKeys(text: string): readonly MasterKey[] {
  const keys = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseMasterKey);
  if (keys.length === 0) throw new Error('at least one master key is needed, as <id>:<base64 of 32 bytes>');
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw new Error('two master keys have the same id');
  return keys;
}

function parseMasterKey(part: string, index: number): MasterKey {
  const colon = part.indexOf(':');
  const id = part.slice(0, Math.max(colon, 0));
  if (!KEY_ID.test(id)) throw new Error(`master key ${index + 1} does not look like <id>:<base64 of 32 bytes>`);
  const key = Buffer.from(part.slice(colon + 1), 'base64');
  if (key.length !== KEY_BYTES) throw new Error(`master key ${id} has ${key.length} bytes instead of ${KEY_BYTES}`);
  return { id, key };
}

/** Thrown when a sealed text does not open: another place, another key, or it was changed. Holds no secret. */
export class SealBroken extends Error {
  constructor(place: SealedPlace, reason: string) {
    super(`${placeText(place)} does not open: ${reason}`);
    this.name = 'SealBroken';
  }
}

/**
 * Seals secrets for the database: AES-256-GCM, written as `<key id>:<base64 of iv, ciphertext, tag>`, bound to table, row
 * and column.
 */
export class Sealer {
  private readonly current: MasterKey;

  constructor(private readonly keys: readonly MasterKey[]) {
    const [current] = keys;
    if (current === undefined) throw new Error('at least one master key is needed');
    this.current = current;
  }

  seal(place: SealedPlace, secret: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.current.key, iv);
    cipher.setAAD(Buffer.from(placeText(place)));
    const sealed = Buffer.concat([iv, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${this.current.id}:${sealed.toString('base64')}`;
  }

  /** @throws SealBroken */
  open(place: SealedPlace, sealed: string): string {
    const colon = sealed.indexOf(':');
    const id = sealed.slice(0, Math.max(colon, 0));
    const key = this.keys.find((candidate) => candidate.id === id)?.key;
    if (key === undefined) throw new SealBroken(place, `there is no master key "${id}"`);
    const bytes = Buffer.from(sealed.slice(colon + 1), 'base64');
    if (bytes.length < IV_BYTES + TAG_BYTES) throw new SealBroken(place, 'it is too short');
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(placeText(place)));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw new SealBroken(place, 'it was changed, or belongs to another place or key');
    }
  }

  /** Whether it was sealed with the key that seals now; if not, it is to be sealed again before the old key goes. */
  isCurrent(sealed: string): boolean {
    return sealed.startsWith(`${this.current.id}:`);
  }
}

function placeText({ table, row, column }: SealedPlace): string {
  return `${table}:${row}:${column}`;
}
