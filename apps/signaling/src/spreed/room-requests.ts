import type { JsonObject } from '@parley/domain';
import type { OpenRoomRequest } from '@parley/protocol-spreed-signaling';

/** The form in which a request for a room is kept with its session until it is answered. */
export function keptRoomRequest({ id, roomId, foreignSessionId }: OpenRoomRequest): JsonObject {
  return {
    roomId,
    ...(id === undefined ? {} : { id }),
    ...(foreignSessionId === undefined ? {} : { foreignSessionId }),
  };
}

/** Reads what {@link keptRoomRequest} wrote, on this replica or another one. */
export function openRoomRequest({ id, roomId, foreignSessionId }: JsonObject): OpenRoomRequest | undefined {
  if (typeof roomId !== 'string') return undefined;
  return { id: textOf(id), roomId, foreignSessionId: textOf(foreignSessionId) };
}

function textOf(value: JsonObject[string] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
