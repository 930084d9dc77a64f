import type { CoreEvent, LivePeers, LiveRooms, RoomSessionId, SessionId } from '@parley/domain';
import type { LiveRoomState } from '../room-port';
import type { ReplicaContext } from './context';
import { roomStateOf } from './room-state';
import { burnAndClear, takeOut } from './session-end';

/** The rules' view of live rooms. */
export function roomsOf(ctx: ReplicaContext): Omit<LiveRooms, keyof LivePeers> & LiveRoomState {
  const { rooms } = ctx.store;
  return {
    ...roomStateOf(ctx),
    members: (room) => rooms.members(room),
    applyPolicy: (room, policy) => rooms.applyPolicy(room, policy),
    beginClosing: (room, force) => rooms.beginClosing(room, force),
    undoClosing: (room) => rooms.undoClosing(room),
    async finishClosing(room) {
      // Nobody comes in any more. Should this replica die in between, the notes come due.
      const notes = await Promise.all(
        (await rooms.members(room)).map((member) => ctx.departures.noteMember(room, member)),
      );
      await rooms.finishClosing(room);
      await ctx.store.registry.delist('rooms', room);
      await Promise.all(notes.flatMap((note) => (note ? [ctx.departures.tell(note)] : [])));
    },
    kick: (room, session) => kick(ctx, room, session),
    async kickAll(room) {
      const members = await rooms.members(room);
      const kicked = await Promise.all(members.map((member) => kick(ctx, room, member.sessionId)));
      return kicked.filter(Boolean).length;
    },
  };
}

async function kick(ctx: ReplicaContext, room: RoomSessionId, session: SessionId): Promise<boolean> {
  const event: CoreEvent = { kind: 'kicked' };
  const burning = { reason: 'kicked', detail: '', json: JSON.stringify(event), room } as const;
  // A member without a session is a leftover; it is taken out all the same.
  return (await burnAndClear(ctx, session, burning)) || takeOut(ctx, room, session, { tenant: undefined });
}
