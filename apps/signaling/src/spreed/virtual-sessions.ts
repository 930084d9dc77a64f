import { randomBytes } from 'node:crypto';
import {
  brandAs,
  ok,
  type ForeignPresence,
  type JsonValue,
  type Member,
  type Result,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';
import type { Departure, Expected, JoinRequest, Live, OwnedSession, SessionRecord, VirtualSession } from '@parley/live';
import {
  defaultInCall,
  DIALECT,
  wireError,
  type VirtualName,
  type VirtualRequest,
  type Virtuals,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import type { InternalRooms, NamedRoom } from './internal-rooms';
import type { LeaveNotices } from './leave-notices';
import type { ParticipantsBoard } from './participants-board';
import type { VirtualNotices } from './virtual-notices';

type RequestOf<Kind extends VirtualRequest['kind']> = Extract<VirtualRequest, { kind: Kind }>;
type Guest = RequestOf<'add-session'>;

/** Ids of virtual sessions look like any session's. */
const SESSION_ID_BYTES = 18;

/** How many sessions one internal client may speak for at a time: more callers than any bridge has lines. */
export const MAX_VIRTUALS = 1_000;

export interface VirtualSessionsParts {
  readonly live: Pick<Live, 'sessions' | 'rooms' | 'events'>;
  readonly rooms: InternalRooms;
  readonly notices: VirtualNotices;
  readonly leaves: Pick<LeaveNotices, 'insist'>;
  readonly board: ParticipantsBoard;
}

/** The sessions internal clients speak for, e.g. callers by phone (section "Internal clients"). */
export class VirtualSessions {
  /** Those whose removal is under way: whether everybody who has to know will have heard of it from there. */
  private readonly removing = new Map<SessionId, Promise<boolean>>();

  constructor(private readonly parts: VirtualSessionsParts) {}

  /** Those an internal client speaks for, by their public ids, with the names it gave them. */
  of(parent: SessionId): Virtuals {
    const all = this.parts.live.sessions.virtuals(parent);
    return new Map(all.map(({ record }) => [record.id, nameOf(record)]));
  }

  /**
   * @param changed called as soon as there is another session to speak for, or one less
   * @returns what the client is told; nothing when it worked, and when there is nothing it could mean
   * @throws when a store does not answer
   */
  async handle(owner: OwnedSession, request: VirtualRequest, changed: () => void): Promise<WireError | undefined> {
    switch (request.kind) {
      case 'add-session':
        return this.add(owner, request, changed);
      case 'update-session':
        return this.update(owner, request);
      case 'remove-session':
        return this.remove(owner, request, changed);
    }
  }

  /**
   * A virtual session is out of its room, maybe because its internal client is gone, or did not come into it. Resolves when
   * its backend has heard of it, or there is nothing left to try.
   * @throws AbortError when this replica goes away; when a store does not answer
   */
  async left({ room, member }: Departure): Promise<void> {
    const { sessionId, foreign } = member;
    if (await this.removing.get(sessionId)) return;
    if (room !== undefined) await this.parts.board.forget(room, sessionId);
    if (foreign === undefined) return;
    await this.parts.leaves.insist(member, () => this.parts.notices.left(sessionId, foreign));
  }

  private async add(owner: OwnedSession, guest: Guest, changed: () => void): Promise<WireError | undefined> {
    const { live, rooms } = this.parts;
    // Said again, it is news about the same one.
    const known = this.find(owner, guest.chosenId);
    if (known !== undefined) return this.addAgain(owner, known, guest);
    // One client's requests are taken one after the other, so nobody else comes in between.
    if (live.sessions.virtuals(owner.record.id).length >= MAX_VIRTUALS) return wireError('add_failed');
    const named = await rooms.find(owner.record, guest.roomId);
    if (named === undefined) return undefined;
    const id = brandAs<SessionId>(randomBytes(SESSION_ID_BYTES).toString('base64url'));
    const inCall = guest.inCall ?? defaultInCall('virtual', owner.record.features);
    const foreign = await this.presenceOf(guest, named);
    const expected = foreign && (await this.announce(id, guest, foreign, inCall));
    if (named.backend !== null && expected === undefined) return wireError('add_failed');
    try {
      const session = await live.sessions.openVirtual(owner.record.id, recordOf(owner, id, guest));
      changed();
      const error = await this.enter(session, guest, named, { inCall, foreign }, changed);
      if (error === undefined) expected?.forget();
      else await sendWord(expected);
      return error;
    } catch (error) {
      await sendWord(expected);
      throw error;
    }
  }

  /** Undefined: its backend does not want it, or could not be asked. */
  private async announce(
    id: SessionId,
    { userId, user }: Guest,
    foreign: ForeignPresence,
    inCall: number,
  ): Promise<Expected | undefined> {
    const { live, notices } = this.parts;
    // Its backend knows it by its public id.
    const member = { sessionId: id, kind: 'virtual', userId, foreignSessionId: id, foreign } as const;
    const expected = await live.events.expect(member);
    const told = await notices.arrived(id, foreign, { user, inCall });
    if (told.ok) return expected;
    expected.forget();
    return undefined;
  }

  private async addAgain(owner: OwnedSession, { room, record }: VirtualSession, guest: Guest): Promise<undefined> {
    await this.update(owner, guest);
    if (room === undefined) return;
    const { userId, user } = guest;
    await this.parts.live.rooms.describeMember(room, record.id, { userId, ...(user ? { user } : {}) });
  }

  private async enter(
    session: VirtualSession,
    guest: Guest,
    named: NamedRoom,
    facts: { readonly inCall: number; readonly foreign: ForeignPresence | undefined },
    changed: () => void,
  ): Promise<WireError | undefined> {
    let isIn = false;
    try {
      isIn = await this.join(session, guest, named, facts);
      return isIn ? undefined : wireError('add_failed');
    } finally {
      // Its client hears that it was not added: nobody is to find it who adds it again.
      if (!isIn) {
        await session.close();
        changed();
      }
    }
  }

  /** False: the room refuses it. */
  private async join(
    session: VirtualSession,
    { userId, user, flags }: Guest,
    { room }: NamedRoom,
    { inCall, foreign }: { readonly inCall: number; readonly foreign: ForeignPresence | undefined },
  ): Promise<boolean> {
    const { live, board } = this.parts;
    const { id } = session.record;
    const request: JoinRequest = {
      room: room.id,
      policy: room.policy,
      role: 'guest',
      passwordVersion: 'exempt',
      passesLock: true,
      // Its backend knows it by its public id.
      member: { kind: 'virtual', userId, user, foreignSessionId: id, inCall, flags, ...(foreign ? { foreign } : {}) },
    };
    const outcome = await session.join(request);
    if (outcome.kind === 'refused') return false;
    await board.publish(room.id);
    if (flags !== 0) await live.sessions.toRoom(room.id, { kind: 'flags', sessionId: id, flags });
    return true;
  }

  private async update(
    owner: OwnedSession,
    { chosenId, flags, inCall }: Pick<RequestOf<'update-session'>, 'chosenId' | 'flags' | 'inCall'>,
  ): Promise<undefined> {
    const { live, board } = this.parts;
    const session = this.find(owner, chosenId);
    const room = session?.room;
    if (session === undefined || room === undefined) return;
    const { id } = session.record;
    const before = await this.memberOf(room, id);
    await session.update({ ...(flags === undefined ? {} : { flags }), ...(inCall === undefined ? {} : { inCall }) });
    if (flags !== undefined && flags !== (before?.flags ?? 0)) {
      await live.sessions.toRoom(room, { kind: 'flags', sessionId: id, flags });
    }
    if (inCall !== undefined && inCall !== (before?.inCall ?? 0)) await board.publish(room);
  }

  private async remove(
    owner: OwnedSession,
    { chosenId }: RequestOf<'remove-session'>,
    changed: () => void,
  ): Promise<WireError | undefined> {
    const session = this.find(owner, chosenId);
    if (session === undefined) return undefined;
    const { record, room } = session;
    const foreign = room && (await this.memberOf(room, record.id))?.foreign;
    const removed = this.takeOut(session, foreign, changed);
    this.removing.set(
      record.id,
      removed.then(
        ({ ok: isTold }) => isTold,
        () => false,
      ),
    );
    try {
      return (await removed).ok ? undefined : wireError('remove_failed');
    } finally {
      this.removing.delete(record.id);
    }
  }

  private async takeOut(
    session: VirtualSession,
    foreign: ForeignPresence | undefined,
    changed: () => void,
  ): Promise<Result<undefined, WireError>> {
    const { record, room } = session;
    await session.close();
    changed();
    if (room !== undefined) await this.parts.board.forget(room, record.id);
    return foreign ? this.parts.notices.left(record.id, foreign) : ok(undefined);
  }

  private async presenceOf({ roomId, userId, actor }: Guest, { backend }: NamedRoom) {
    if (backend === null) return undefined;
    return this.parts.notices.presenceAt(backend, roomId, { userId, ...(actor ? { actor } : {}) });
  }

  private find({ record: { id } }: OwnedSession, chosenId: string): VirtualSession | undefined {
    return this.parts.live.sessions.virtuals(id).find(({ record }) => nameOf(record).chosenId === chosenId);
  }

  private async memberOf(room: RoomSessionId, id: SessionId): Promise<Member | undefined> {
    return (await this.parts.live.rooms.members(room)).find(({ sessionId }) => sessionId === id);
  }
}

/** It was announced and did not come in. */
async function sendWord(expected: Expected | undefined): Promise<void> {
  // What cannot be told now comes due.
  await expected?.left().catch(() => undefined);
}

function recordOf({ record: { tenant } }: OwnedSession, id: SessionId, { chosenId, roomId }: Guest): SessionRecord {
  const attributes = { chosenId, roomId };
  // Who it is, its member in the room says; messages to that user are not for it.
  return { id, tenant, kind: 'virtual', userId: '', features: [], dialect: DIALECT, resumeVerifier: '', attributes };
}

/** How its internal client calls it; kept with it, for whichever replica has it later. */
function nameOf({ attributes: { chosenId, roomId } }: SessionRecord): VirtualName {
  return { chosenId: textOf(chosenId), roomId: textOf(roomId) };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
