import {
  brandAs,
  type PeerAccount,
  type PeerStanding,
  type PeerStore,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';
import type { MemoryRoom, MemoryState } from './memory-state';

const PEER_EVENTS: ReadonlySet<string> = new Set(['peer.joined', 'peer.left', 'host.joined']);

/** Who was told to be where, in memory. */
export function memoryPeerStore(state: () => MemoryState): PeerStore {
  const told = (room: RoomSessionId) => state().told.get(room) ?? [];
  const since = (room: RoomSessionId): PeerAccount['since'] => state().toldUntil.get(room) ?? 'now';
  const openRooms = () => [...state().rooms.values()].filter(({ room }) => room.closedAt === null);
  return {
    heard: async (rooms) =>
      openRooms().flatMap((each) => (rooms.includes(each.room.id) && isHeard(state(), each) ? [each.room.id] : [])),
    open: async (room, ending) => {
      const stored = state().rooms.get(room);
      if (!stored || !isHeard(state(), stored) || (ending !== 'ending' && stored.room.closedAt !== null)) return null;
      return { room, domain: stored.room.domain, roomName: stored.room.name, since: since(room) };
    },
    told: async (room, only) => told(room).filter(({ sessionId }) => only?.includes(sessionId) ?? true),
    everTold: async (room, presences) =>
      state().events.flatMap((event) => {
        if (event.roomSessionId !== room || event.type !== 'peer.joined') return [];
        const told = { sessionId: brandAs<SessionId>(event.payload.id), order: event.occurredAt.getTime() };
        return presences.some(({ order }) => order === told.order) ? [told] : [];
      }),
    save: async (room, { came, gone, cursor }) => {
      const left = told(room).filter(({ sessionId }) => !gone.includes(sessionId));
      state().told.set(room, [...left, ...came]);
      if (cursor !== undefined) state().toldUntil.set(room, cursor);
    },
    standings: async (after, limit) =>
      openRooms()
        .filter((each) => isHeard(state(), each) && (after === null || each.room.id > after))
        .map(({ room }): PeerStanding => ({ room: room.id, since: since(room.id), occupied: told(room.id).length > 0 }))
        .sort((a, b) => (a.room < b.room ? -1 : 1))
        .slice(0, limit),
    forgetUnheard: async () => {
      for (const each of openRooms()) {
        if (isHeard(state(), each)) continue;
        state().toldUntil.delete(each.room.id);
        state().told.delete(each.room.id);
      }
    },
  };
}

/** Somebody is told of the comings and goings in this room, or its domain wants them to be read. */
export function isHeard({ webhooks, peerEvents }: MemoryState, { room }: MemoryRoom): boolean {
  if (peerEvents.has(room.domain)) return true;
  return [...webhooks.values()].some(
    ({ webhook, removed }) =>
      !removed &&
      webhook.domain === room.domain &&
      (webhook.roomName === null || webhook.roomName === room.name) &&
      webhook.validated &&
      webhook.state.kind !== 'disabled' &&
      webhook.events.some((event) => PEER_EVENTS.has(event)),
  );
}
