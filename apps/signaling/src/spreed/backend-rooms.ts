import { parseRoomName, type RoomName } from '@parley/domain';
import type { Backend } from '@parley/persistence';

/**
 * What a room of a backend is called in its domain. Usually as the backend calls it, so that it is listed and watched
 * under its own name; with the backend's id behind it where two backends share a domain and must not share rooms.
 * @returns undefined when no room can be called so
 */
export function backendRoomName(
  { id, scopesRooms }: Pick<Backend, 'id' | 'scopesRooms'>,
  token: string,
): RoomName | undefined {
  // A token that looks scoped gets its scope too, or it could name another backend's room.
  const name = parseRoomName(scopesRooms || token.includes('@') ? `${token}@${id}` : token);
  return name.ok ? name.value : undefined;
}

/** The backend's own name of a room called so by {@link backendRoomName}. */
export function backendRoomToken({ id }: Pick<Backend, 'id'>, name: string): string {
  return name.endsWith(`@${id}`) ? name.slice(0, -id.length - 1) : name;
}
