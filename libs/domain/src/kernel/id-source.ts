import { randomBytes } from 'node:crypto';

/** Where unguessable text comes from; handed in so that tests know what they get. */
export interface IdSource {
  /** `bytes` random bytes as lower-case hex, twice as many characters. */
  random(bytes: number): string;
}

/** The operating system's randomness. */
export const cryptoIds: IdSource = {
  random: (bytes) => randomBytes(bytes).toString('hex'),
};
