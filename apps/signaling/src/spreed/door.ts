import {
  backendRoomToken,
  DomainError,
  isDomainError,
  parseRoomPath,
  roomPath,
  type DomainErrorCode,
  type DomainName,
  type DoorPolicy,
  type EntryService,
  type LiveRooms,
  type JsonObject,
  type RoomStore,
  type SessionId,
} from '@parley/domain';
import type { JoinOutcome, OwnedSession, RoomSnapshot } from '@parley/live';
import {
  thrownToWire,
  wireError,
  type CurrentRoom,
  type JoinedFacts,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import { Refusal, trustedRequest, type Admitted } from './admission';
import { BackendAdmission, type BackendAdmissionParts } from './backend-admission';
import { rightOf, type EntryRight } from './entry-right';
import type { Signpost } from './signpost';

export type JoinAnswer = ({ readonly ok: true } & JoinedFacts) | { readonly ok: false; readonly error: WireError };

export interface DoorParts extends BackendAdmissionParts {
  readonly entry: EntryService;
  readonly roomStore: Pick<RoomStore, 'findById'>;
  readonly live: Pick<LiveRooms, 'members'>;
  readonly signpost: Pick<Signpost, 'forRefusal' | 'forRoomsOf'>;
}

const REFUSALS = {
  room_locked: 'The room is locked.',
  room_full: 'The room is full.',
  room_closing: 'The room is just being closed.',
  wrong_password: 'The password was changed; ask for a new ticket.',
} as const satisfies Partial<Record<DomainErrorCode, string>>;

/** Lets sessions into rooms by the right they have. */
export class Door {
  private readonly backends: BackendAdmission;

  constructor(private readonly parts: DoorParts) {
    this.backends = new BackendAdmission(parts);
  }

  /**
   * What a session is told that names a room of a domain which cannot be here, before its request is written down: of what
   * is strictly resident elsewhere nothing is kept in this region. Undefined: the room may be here.
   */
  async elsewhere({ record }: OwnedSession, roomId: string): Promise<WireError | undefined> {
    const right = rightOf(record);
    const path = parseRoomPath(roomId);
    if (!path.ok) return undefined;
    const { domain } = path.value;
    if (right.kind === 'ticket') return right.claims.domain === domain ? undefined : wireError('no_such_room');
    return right.kind === 'internal' && right.backendId === null ? this.parts.signpost.forRoomsOf(domain) : undefined;
  }

  /**
   * @param roomId the room as the client names it
   * @param foreignSessionId the name its backend knows it by
   * @param inCall its flags in the call, when it brings any
   */
  async join(
    session: OwnedSession,
    roomId: string,
    foreignSessionId: string | undefined,
    inCall?: number,
  ): Promise<JoinAnswer> {
    let admitted: Admitted | undefined;
    try {
      admitted = await this.admit(session, rightOf(session.record), roomId, foreignSessionId);
      const { kind, displayName, user, features } = session.record;
      const userId = admitted.userId ?? session.record.userId;
      const outcome = await session.join({
        ...admitted.request,
        member: {
          kind,
          userId,
          displayName,
          user,
          features,
          ...(admitted.foreignSessionId === undefined ? {} : { foreignSessionId: admitted.foreignSessionId }),
          ...(admitted.foreign === undefined ? {} : { foreign: admitted.foreign }),
          ...(inCall === undefined ? {} : { inCall }),
        },
      });
      if (outcome.kind === 'joined') admitted.expected?.forget();
      else if (admitted.expected) await this.backends.sendWord(session, admitted.expected);
      // Somebody came in under the same name at the same moment: the later one stays.
      const former = outcome.kind === 'joined' ? outcome.tookOver : undefined;
      if (former !== undefined) await this.backends.sendAway(former);
      return toAnswer(admitted, outcome, former);
    } catch (error) {
      if (admitted?.expected) await this.backends.sendWord(session, admitted.expected, error);
      if (error instanceof Refusal) return { ok: false, error: error.wire };
      if (isDomainError(error)) {
        const domain = domainOf(rightOf(session.record), roomId);
        return { ok: false, error: await this.parts.signpost.forRefusal(error, domain) };
      }
      throw error;
    }
  }

  /** The room a resumed session is in, as its client knows it. Undefined: it is closed by now. */
  async currentRoom(
    { record }: OwnedSession,
    { cursor, members, properties }: RoomSnapshot,
  ): Promise<CurrentRoom | undefined> {
    const liveId = cursor.id;
    const room = await this.parts.roomStore.findById(liveId);
    if (room === null) return undefined;
    const right = rightOf(record);
    const self = members.find((member) => member.sessionId === record.id);
    const backendId = 'backendId' in right ? right.backendId : null;
    const isForeign = backendId !== null;
    return {
      roomId: isForeign ? backendRoomToken({ id: backendId }, room.name) : roomPath(room),
      liveId,
      properties: isForeign ? properties : propertiesOf(room.policy),
      mayControl: isForeign || self?.role === 'host',
      ...(self?.foreign === undefined ? {} : { userId: self.userId }),
    };
  }

  /** What the answer to its join would have been, for a session that is in the room. */
  async entered(
    { record }: OwnedSession,
    { cursor, members, transient }: RoomSnapshot,
    room: CurrentRoom,
  ): Promise<JoinedFacts | undefined> {
    const self = members.find(({ sessionId }) => sessionId === record.id);
    if (self === undefined) return undefined;
    const others = members.filter((member) => member !== self);
    const right = rightOf(record);
    const bandwidth = right.kind === 'backend' ? await this.backends.bandwidth(right.backendId) : {};
    return { room, self, others, cursor, transient, ...bandwidth };
  }

  private async admit(
    session: OwnedSession,
    right: EntryRight,
    roomId: string,
    foreignSessionId: string | undefined,
  ): Promise<Admitted> {
    switch (right.kind) {
      case 'ticket':
        return this.byTicket(right, roomId);
      case 'backend':
        return this.backends.user(session, right, roomId, foreignSessionId);
      case 'internal':
        return this.internal(session, right, roomId);
      case 'robot':
        throw new Refusal(wireError('not_allowed'));
    }
  }

  private async byTicket({ claims }: Extract<EntryRight, { kind: 'ticket' }>, roomId: string): Promise<Admitted> {
    const path = roomPath({ domain: claims.domain, name: claims.roomName });
    const wanted = parseRoomPath(roomId);
    if (!wanted.ok || roomPath(wanted.value) !== path) throw new Refusal(wireError('no_such_room'));
    const { policy } = await this.parts.entry.recheck(claims);
    const { room, role, passwordVersion } = claims;
    return {
      roomId: path,
      request: { room, policy, role, passwordVersion, passesLock: role === 'host' },
      properties: propertiesOf(policy),
      mayControl: undefined,
    };
  }

  private async internal(
    session: OwnedSession,
    right: Extract<EntryRight, { kind: 'internal' }>,
    roomId: string,
  ): Promise<Admitted> {
    if (right.backendId !== null) return this.backends.service(right.backendId, roomId);
    const path = parseRoomPath(roomId);
    if (!path.ok) throw new Refusal(wireError('no_such_room'));
    const { tenant } = session.record;
    const { domain, name } = path.value;
    if (tenant !== 'internal' && tenant !== `domain:${domain}`) throw new Refusal(wireError('no_such_room'));
    const room = await this.parts.rooms.openForBackend(domain, name);
    return {
      roomId: roomPath(path.value),
      request: trustedRequest(room, 'guest'),
      properties: propertiesOf(room.policy),
      mayControl: true,
    };
  }
}

/** The domain whose room it asked for, where the name of the room says that. */
function domainOf(right: EntryRight, roomId: string): DomainName | undefined {
  if (right.kind === 'ticket') return right.claims.domain;
  if (right.kind !== 'internal' || right.backendId !== null) return undefined;
  const path = parseRoomPath(roomId);
  return path.ok ? path.value.domain : undefined;
}

/** What clients are told of a room of ours; the same words as the event that tells of a change. */
function propertiesOf({ locked, type }: DoorPolicy): JsonObject {
  return { locked, type };
}

function toAnswer(admitted: Admitted, outcome: JoinOutcome, former: SessionId | undefined): JoinAnswer {
  if (outcome.kind === 'refused') {
    return { ok: false, error: thrownToWire(new DomainError(outcome.code, REFUSALS[outcome.code])) };
  }
  const { roomId, mayControl, userId, bandwidth, permissions } = admitted;
  const { self, others, cursor } = outcome;
  // A backend's room has its own, which may be newer than what the backend was asked.
  const properties = admitted.request.properties === undefined ? admitted.properties : outcome.properties;
  const room = {
    roomId,
    liveId: cursor.id,
    properties,
    mayControl: mayControl ?? self.role === 'host',
    ...(userId === undefined ? {} : { userId }),
  };
  const living = others.filter(({ sessionId }) => sessionId !== former);
  return {
    ok: true,
    room,
    self,
    others: living,
    cursor,
    transient: outcome.transient,
    ...(permissions === undefined ? {} : { permissions }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
  };
}
