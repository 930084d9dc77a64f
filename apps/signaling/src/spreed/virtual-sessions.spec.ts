import { brandAs, type ReplicaId, type Room, type RoomSessionId, type SessionId, type TenantKey } from '@parley/domain';
import { createMemoryLive, type SessionRecord } from '@parley/live';
import { DIALECT } from '@parley/protocol-spreed-signaling';
import type { InternalRooms } from './internal-rooms';
import type { LeaveNotices } from './leave-notices';
import type { ParticipantsBoard } from './participants-board';
import type { VirtualNotices } from './virtual-notices';
import { MAX_VIRTUALS, VirtualSessions } from './virtual-sessions';

const policy = {
  version: 1,
  type: 'conference',
  locked: false,
  capacity: 10_000,
  passwordVersion: 0,
  hasHostKey: false,
};
// Only what is read of a room here.
const ROOM = { id: brandAs<RoomSessionId>('room'), policy } as Room;
const bridge: SessionRecord = {
  id: brandAs<SessionId>('bridge'),
  tenant: brandAs<TenantKey>('internal'),
  kind: 'internal',
  userId: '',
  features: [],
  dialect: DIALECT,
  resumeVerifier: '',
  attributes: {},
};

it('an internal client speaks for so many at a time and no more; one that goes makes room', async () => {
  const live = createMemoryLive({ replica: brandAs<ReplicaId>('one') });
  const asked: string[] = [];
  const virtuals = new VirtualSessions({
    live,
    rooms: {
      find: async (_record: SessionRecord, roomId: string) => {
        asked.push(roomId);
        return { room: ROOM, backend: null };
      },
    } as unknown as InternalRooms,
    notices: {} as unknown as VirtualNotices,
    leaves: {} as unknown as LeaveNotices,
    board: { publish: async () => undefined, forget: async () => undefined } as unknown as ParticipantsBoard,
  });
  const owner = await live.sessions.open(bridge, { deliver: () => undefined, ended: () => undefined });
  const add = (name: string) =>
    virtuals.handle(
      owner,
      {
        kind: 'add-session',
        chosenId: name,
        roomId: 'token',
        userId: '',
        user: undefined,
        flags: 0,
        inCall: undefined,
        actor: undefined,
      },
      () => undefined,
    );
  for (let n = 0; n < MAX_VIRTUALS; n += 1) expect(await add(`call-${n}`)).toBeUndefined();
  expect(await add('one more')).toMatchObject({ code: 'add_failed' });
  expect(asked).toHaveLength(MAX_VIRTUALS);
  // Said again, it is news about one that is there.
  expect(await add('call-0')).toBeUndefined();
  await virtuals.handle(
    owner,
    { kind: 'remove-session', chosenId: 'call-1', roomId: 'token', userId: '' },
    () => undefined,
  );
  expect(await add('one more')).toBeUndefined();
  expect(virtuals.of(owner.record.id).size).toBe(MAX_VIRTUALS);
  await live.close();
});
