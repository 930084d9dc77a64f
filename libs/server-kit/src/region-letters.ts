import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';

const KEY_LABEL = 'parley letters between regions v1';
const ALGORITHM = 'aes-256-gcm';
const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** How far two regions' clocks may be apart: what letters ask for may be asked for twice, so it is generous. */
const TOLERANCE_MS = 15 * 60_000;
/** What a letter may unpack to: none is longer than one request, and only ours are unpacked. */
const MAX_BYTES = 16 * 1_048_576;

/**
 * What one region writes to another: accounts and rows with their secrets in the clear, so nobody on the way may read or
 * change them, whatever the link. AES-256-GCM under a key made of `PARLEY_INTERNAL_SECRET`, bound to the path it is sent to.
 */
export class RegionLetters {
  private readonly keys: readonly [Buffer, ...Buffer[]];

  /** @param secret as for `InternalAuth`: of several, separated by commas, the first one seals and all open */
  constructor(secret: string) {
    const [first, ...others] = secret
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    if (first === undefined) throw new Error('the internal secret is empty');
    this.keys = [keyOf(first), ...others.map(keyOf)];
  }

  seal(path: string, body: unknown, now: Date): Buffer {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.keys[0], iv);
    cipher.setAAD(Buffer.from(path));
    const packed = gzipSync(JSON.stringify({ at: now.getTime(), body }));
    return Buffer.concat([Buffer.of(VERSION), iv, cipher.update(packed), cipher.final(), cipher.getAuthTag()]);
  }

  /** Undefined for what is no letter of ours to this path, or too old. */
  open(path: string, letter: Buffer, now: Date): { readonly body: unknown } | undefined {
    if (letter[0] !== VERSION || letter.length < 1 + IV_BYTES + TAG_BYTES) return undefined;
    for (const key of this.keys) {
      const packed = decrypt(key, path, letter);
      if (packed === undefined) continue;
      // Nobody but us could have written it.
      const text = gunzipSync(packed, { maxOutputLength: MAX_BYTES }).toString('utf8');
      const { at, body } = JSON.parse(text) as { at: number; body: unknown };
      return Math.abs(now.getTime() - at) > TOLERANCE_MS ? undefined : { body };
    }
    return undefined;
  }
}

function decrypt(key: Buffer, path: string, letter: Buffer): Buffer | undefined {
  const decipher = createDecipheriv(ALGORITHM, key, letter.subarray(1, 1 + IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(path));
  decipher.setAuthTag(letter.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(letter.subarray(1 + IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', KEY_LABEL, 32));
}
