import { brandAs, type RoomSessionId } from '@parley/domain';

/**
 * How far a session has got in what was sent to it. The same facts as the live layer's cursor; here only carried and
 * turned into the opaque `seq` of the feature `message-seq`.
 */
export interface Position {
  readonly session: number;
  readonly room?: { readonly id: RoomSessionId; readonly generation: string; readonly seq: number };
}

const PREFIX = '1';
const SEPARATOR = '~';
const MAX_LENGTH = 512;

/** The opaque string a client hands back as `lastSeq`. */
export function encodeSeq(position: Position): string {
  const parts: (string | number)[] = [PREFIX, position.session];
  if (position.room) parts.push(position.room.seq, position.room.generation, position.room.id);
  return parts.join(SEPARATOR);
}

/** Reads what a client handed back; undefined when it is none of ours. */
export function decodeSeq(text: string): Position | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [prefix, session, seq, generation, ...id] = text.split(SEPARATOR);
  const sessionNumber = count(session);
  if (prefix !== PREFIX || sessionNumber === undefined) return undefined;
  if (seq === undefined) return { session: sessionNumber };
  const roomNumber = count(seq);
  if (roomNumber === undefined || !generation || id.length === 0) return undefined;
  return {
    session: sessionNumber,
    room: { id: brandAs<RoomSessionId>(id.join(SEPARATOR)), generation, seq: roomNumber },
  };
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
