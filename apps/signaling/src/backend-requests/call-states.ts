import {
  isDomainError,
  type JsonObject,
  type Member,
  type RoomSessionId,
  type SessionId,
  type TenantKey,
} from '@parley/domain';
import { documentOf, type Live } from '@parley/live';
import {
  foreignIdsIn,
  isInCall,
  listedUsers,
  translateEntries,
  type BackendEntry,
  type TranslatedEntry,
} from '@parley/protocol-spreed-signaling';
import type { ParticipantsBoard } from '../spreed/participants-board';
import type { OpenRoomOrder } from './addressed-room';
import { inBatches } from './in-batches';

interface Lists {
  readonly changed: readonly BackendEntry[];
  readonly users: readonly BackendEntry[];
}

interface TranslatedLists {
  readonly changed: readonly TranslatedEntry[];
  readonly users: readonly TranslatedEntry[];
}

/** Where it is kept that all were put into the call, or out of it, until they have been told. */
const UNTOLD = { inside: 'untold-all-in-call', outside: 'untold-all-out-of-call' };

/** Carries out what a backend says about the participants of a room and their call. */
export class CallStates {
  constructor(
    private readonly live: Pick<Live, 'sessions' | 'rooms'>,
    private readonly board: ParticipantsBoard,
  ) {}

  /** Participants changed; what they may do is replaced where the backend says something about it. */
  async participants(tenant: TenantKey, room: OpenRoomOrder, given: Lists): Promise<void> {
    const lists = await this.translate(tenant, given);
    if (lists === undefined) return;
    const { changed, users } = lists;
    const isNewest = await this.board.keep(room.id, listedUsers(users, changed), room.order);
    const toldAbout = changed.filter(({ permissions }) => permissions !== undefined);
    const members = toldAbout.length > 0 ? await this.live.rooms.members(room.id) : [];
    const present = new Set(members.map(({ sessionId }) => sessionId));
    await inBatches(toldAbout, (entry) => this.permit(tenant, room, entry, present.has(entry.sessionId)));
    // Whoever was faster and newer has told everybody.
    if (isNewest) await this.board.publish(room.id);
  }

  /** Some entered or left the call, or do something else in it. */
  async inCall(tenant: TenantKey, room: OpenRoomOrder, given: Lists): Promise<void> {
    const lists = await this.translate(tenant, given);
    if (lists === undefined) return;
    const { changed, users } = lists;
    const isNewest = await this.board.keep(room.id, listedUsers(users, changed), room.order);
    const patches = changed.flatMap(({ sessionId, inCall }) => (inCall === undefined ? [] : [{ sessionId, inCall }]));
    // An older request still counts for those nobody has said something newer about.
    if (patches.length > 0) await this.live.rooms.patchMembers(room.id, patches, room.order);
    if (isNewest || patches.length > 0) await this.board.publish(room.id);
  }

  /**
   * All clients enter the call, or everybody the backend put into it leaves (brief 3.7). Nothing if nobody changes, unless
   * a failed try of the same request changed them and told nobody.
   */
  async allInCall(room: OpenRoomOrder, inCall: number): Promise<void> {
    const { rooms, sessions } = this.live;
    const untold = isInCall(inCall) ? UNTOLD.inside : UNTOLD.outside;
    const members = await rooms.members(room.id);
    const concerned = members.filter(isInCall(inCall) ? isClient : isCaller);
    if (concerned.length === 0) return;
    const isNews = concerned.some((member) => isInCall(member.inCall) !== isInCall(inCall));
    if (!isNews && (await rooms.document(room.id, untold)) !== inCall) return;
    await rooms.putDocument(room.id, untold, inCall, room.order);
    const ids = new Set(concerned.map(({ sessionId }) => sessionId));
    await rooms.patchMembers(
      room.id,
      [...ids].map((sessionId) => ({ sessionId, inCall })),
      room.order,
    );
    await this.board.keep(room.id, withInCall(await this.board.kept(room.id), ids, inCall), room.order);
    await sessions.toRoom(room.id, { kind: 'all-in-call', inCall });
    await this.told(room.id, untold);
  }

  private async told(room: RoomSessionId, untold: string): Promise<void> {
    const { rooms } = this.live;
    try {
      await rooms.putDocument(room, untold, null, await rooms.nextOrder(room));
    } catch (error) {
      // Everybody was told: a backend that heard of a failure would have it told again.
      if (!isDomainError(error, 'unavailable')) throw error;
    }
  }

  /** Undefined when nobody of them is known here: then there is nothing to tell. */
  private async translate(tenant: TenantKey, { changed, users }: Lists): Promise<TranslatedLists | undefined> {
    const ids = foreignIdsIn(users, changed);
    const known = ids.length === 0 ? new Map<string, SessionId>() : await this.live.sessions.byForeignId(tenant, ids);
    const lists = { changed: translateEntries(changed, known), users: translateEntries(users, known) };
    return lists.changed.length === 0 && lists.users.length === 0 ? undefined : lists;
  }

  /**
   * The document has the newest list whoever wrote it; whoever hands one to the session looks again afterwards, so the
   * last one handed over is the newest, however requests overtake each other. Nothing is kept of who is not in the room.
   */
  private async permit(
    tenant: TenantKey,
    room: OpenRoomOrder,
    { sessionId, permissions }: TranslatedEntry,
    isPresent: boolean,
  ): Promise<void> {
    if (permissions === undefined) return;
    const { rooms, sessions } = this.live;
    if (!isPresent) return void (await sessions.setPermissions(sessionId, permissions, tenant));
    const name = documentOf(sessionId);
    if (!(await rooms.putDocument(room.id, name, [...permissions], room.order))) return;
    let given = permissions;
    for (;;) {
      if (!(await sessions.setPermissions(sessionId, given, tenant))) return;
      const newest = await this.permissionsIn(room.id, name);
      if (newest === undefined || sameList(newest, given)) return;
      given = newest;
    }
  }

  private async permissionsIn(room: RoomSessionId, name: string): Promise<readonly string[] | undefined> {
    const stored = await this.live.rooms.document(room, name);
    return Array.isArray(stored) ? stored.filter((item) => typeof item === 'string') : undefined;
  }
}

function isClient({ kind }: Member): boolean {
  return kind === 'client';
}

/** Internal and virtual sessions are in the call by their own word. */
function isCaller({ kind }: Member): boolean {
  return kind === 'client' || kind === 'federation';
}

function withInCall(users: readonly JsonObject[], ids: ReadonlySet<string>, inCall: number): readonly JsonObject[] {
  return users.map((user) =>
    typeof user.sessionId === 'string' && ids.has(user.sessionId) ? { ...user, inCall } : user,
  );
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
