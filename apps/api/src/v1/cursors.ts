import type { DeliveryPlace } from '@parley/domain';
import { InvalidInput } from '../http/problems';

/**
 * Places in lists, as opaque texts. They hold nothing that gives anything away, and nothing is believed of them: whose list
 * it is, is said by the rest of the call.
 */
export const cursors = {
  position: {
    write: (position: bigint): string => written(`p.${position}`),
    /** @throws InvalidInput */
    read: (cursor: string): bigint => BigInt(taken(cursor, /^p\.(\d{1,18})$/)[0] ?? ''),
  },
  delivery: {
    write: ({ createdAt, position }: DeliveryPlace): string => written(`d.${createdAt.getTime()}.${position}`),
    /** @throws InvalidInput */
    read: (cursor: string): DeliveryPlace => {
      const [time = '', position = ''] = taken(cursor, /^d\.(\d{1,13})\.(\d{1,18})$/);
      return { createdAt: new Date(Number(time)), position: BigInt(position) };
    },
  },
};

function written(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function taken(cursor: string, form: RegExp): string[] {
  const [, ...parts] = form.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (parts.length === 0) throw new InvalidInput('The cursor is not one of this call.');
  return parts;
}
