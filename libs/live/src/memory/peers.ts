import type { PeerChange } from '@parley/domain';
import { PEER_LIMITS, type StoreTimes } from '../limits';
import { presenceOf, settlesInMs } from '../peers';
import type { PeerStore, StoredChange } from '../store';
import type { MemoryLiveHub } from './hub';
import { membersOf, type MemoryRooms } from './rooms';
import type { RoomState } from './room-state';

/** Comings and goings in memory; what the scripts in redis/ do, in the same order. */
export function memoryPeers(hub: MemoryLiveHub, rooms: MemoryRooms, times: StoreTimes): PeerStore {
  return {
    peerNews: (room, since) =>
      hub.run(() => {
        const state = rooms.ensure(room);
        const { count, kept } = state.peers;
        const known = since === 'first' || (since !== 'now' && since.generation === state.generation);
        const from = known && since !== 'first' ? since.n : 0;
        const floor = count - kept.length;
        const reaches = from >= floor && from <= count;
        const changes = since === 'now' ? [] : kept.slice(Math.max(0, from - floor)).map(({ change }) => change);
        return {
          cursor: { generation: state.generation, n: count },
          now: new Date(hub.now()),
          settlesInMs: settlesInMs(times, hub.now() - state.born),
          changes: reaches ? changes : undefined,
          present: known && reaches ? undefined : membersOf(state).map(presenceOf),
        };
      }),
    peerCursors: (all) =>
      hub.run(() => {
        const cursors = all.flatMap((room) => {
          const state = hub.rooms.get(room);
          if (!state || state.peers.count === 0) return [];
          return [[room, { generation: state.generation, n: state.peers.count }] as const];
        });
        return new Map(cursors);
      }),
  };
}

/** Notes a coming or going. */
export function notePeer(hub: MemoryLiveHub, state: RoomState, change: PeerChange): StoredChange {
  const { peers, generation } = state;
  const at = hub.now();
  peers.count += 1;
  peers.kept.push({ at, change });
  const isOld = (entry: { at: number } | undefined) => entry !== undefined && at - entry.at > PEER_LIMITS.keepMs;
  while (peers.kept.length > PEER_LIMITS.changes || isOld(peers.kept[0])) peers.kept.shift();
  return { generation, n: peers.count, change };
}
