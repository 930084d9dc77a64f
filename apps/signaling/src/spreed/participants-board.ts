import type { Clock, JsonObject, JsonValue, Member, RoomSessionId, SessionId } from '@parley/domain';
import type { Live } from '@parley/live';
import { isInCall, participantUsers } from '@parley/protocol-spreed-signaling';

/** Where the live layer keeps what a backend said last about who takes part. */
const USERS_DOCUMENT = 'users';

/**
 * Who takes part in the call of a room: what the backend told last, with internal and virtual sessions added (brief 2.8).
 * Everybody who changes any of it writes first and then publishes. The order is taken after writing and before reading:
 * the event with the highest one contains everything that was written before it, and receivers drop lower ones.
 */
export class ParticipantsBoard {
  constructor(
    private readonly live: Pick<Live, 'sessions' | 'rooms'>,
    private readonly clock: Clock,
  ) {}

  /**
   * Keeps a backend's list; it is told with the next `publish`.
   * @param users ids translated, without permissions
   * @param order from `nextOrder`, taken when the request arrived
   * @returns false when a newer list is there
   */
  async keep(room: RoomSessionId, users: readonly JsonObject[], order: number): Promise<boolean> {
    return this.live.rooms.putDocument(room, USERS_DOCUMENT, [...users], order);
  }

  /** Tells everybody in the room who takes part. */
  async publish(room: RoomSessionId): Promise<void> {
    const { rooms, sessions } = this.live;
    const order = await rooms.nextOrder(room);
    const [stored, members] = await Promise.all([rooms.document(room, USERS_DOCUMENT), rooms.members(room)]);
    const inCall = members.filter((member) => isInCall(member.inCall)).map(({ sessionId }) => sessionId);
    await sessions.toRoom(room, { kind: 'participants', users: this.listed(stored, members), inCall, order });
  }

  /** The list as it is now, for somebody who may have missed it. */
  async current(room: RoomSessionId, members: readonly Member[]): Promise<readonly JsonObject[]> {
    return this.listed(await this.live.rooms.document(room, USERS_DOCUMENT), members);
  }

  /** What the backend told last, as it was kept. */
  async kept(room: RoomSessionId): Promise<readonly JsonObject[]> {
    return objects(await this.live.rooms.document(room, USERS_DOCUMENT));
  }

  /** A session that is gone for good is listed no more, whatever the backend says next. */
  async forget(room: RoomSessionId, sessionId: SessionId): Promise<void> {
    const kept = await this.kept(room);
    if (!kept.some((user) => user.sessionId === sessionId)) return;
    const order = await this.live.rooms.nextOrder(room);
    await this.keep(
      room,
      kept.filter((user) => user.sessionId !== sessionId),
      order,
    );
  }

  private listed(stored: JsonValue | undefined, members: readonly Member[]): readonly JsonObject[] {
    return participantUsers(objects(stored), members, Math.floor(this.clock.now().getTime() / 1_000));
  }
}

function objects(stored: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(stored) ? stored.filter(isObject) : [];
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
