import type { RoomName } from '../kernel/ids';
import { parseRoomName } from './names';

/** How a foreign backend's rooms are named in its domain. */
export interface BackendNaming {
  readonly id: string;
  /** They carry its id, since another backend of the domain has the plain names. */
  readonly scopesRooms: boolean;
}

/**
 * What a room of a backend is called in its domain. Usually as the backend calls it, so that it is listed and watched
 * under its own name; with the backend's id behind it where two backends share a domain and must not share rooms.
 * @returns undefined when no room can be called so
 */
export function backendRoomName({ id, scopesRooms }: BackendNaming, token: string): RoomName | undefined {
  // A token that looks scoped gets its scope too, or it could name another backend's room.
  const name = parseRoomName(scopesRooms || token.includes('@') ? `${token}@${id}` : token);
  return name.ok ? name.value : undefined;
}

/** The backend's own name of a room called so by {@link backendRoomName}. */
export function backendRoomToken({ id }: Pick<BackendNaming, 'id'>, name: string): string {
  return name.endsWith(`@${id}`) ? name.slice(0, -id.length - 1) : name;
}

/** Whether {@link backendRoomName} gives a room of this backend such a name. */
export function isBackendRoomName({ id, scopesRooms }: BackendNaming, name: string): boolean {
  return name.endsWith(`@${id}`) || (!scopesRooms && !name.includes('@'));
}
