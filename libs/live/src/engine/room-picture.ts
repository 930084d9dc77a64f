import type { CoreEvent, JsonObject, JsonValue, Member, SessionId } from '@parley/domain';
import type { Ordered, StoredRoomState, StoredTransient } from '../state-store';

/** `except` of an event that no session gets: only replicas note it. */
export const NOBODY = '*';

/** A room as the events up to some number show it. */
export class RoomPicture {
  readonly members: Map<SessionId, Member>;
  readonly transient: Map<string, StoredTransient>;
  properties: Ordered | undefined;

  constructor(state: StoredRoomState = { members: [], properties: undefined, transient: [] }) {
    this.members = new Map(state.members.map((member) => [member.sessionId, member]));
    this.transient = new Map(state.transient.map((value) => [value.key, value]));
    this.properties = state.properties;
  }

  copy(): RoomPicture {
    const { members, transient, properties } = this;
    return new RoomPicture({ members: [...members.values()], transient: [...transient.values()], properties });
  }

  follow(event: CoreEvent): void {
    if (event.kind === 'joined' || event.kind === 'changed') {
      for (const member of event.members) this.members.set(member.sessionId, member);
    } else if (event.kind === 'left') {
      for (const id of event.sessionIds) this.members.delete(id);
      // The last one takes them along; nobody is left to be told.
      if (this.members.size === 0) this.transient.clear();
    } else if (event.kind === 'room-changed' && event.order !== undefined) {
      this.properties = { json: JSON.stringify(event.properties), order: event.order };
    } else if (event.kind === 'transient') {
      const { key, value, expiresAt = 0 } = event;
      if (value === undefined) this.transient.delete(key);
      else this.transient.set(key, { key, json: JSON.stringify(value), expiresAt });
    }
  }
}

/** What a joiner is told of the room besides its members. */
export function stateForJoiner(state: StoredRoomState): { properties: JsonObject; transient: JsonObject } {
  const values = state.transient.map(({ key, json }) => [key, JSON.parse(json) as JsonValue] as const);
  return {
    // Both were written by setProperties and setTransient of the same port.
    properties: state.properties ? (JSON.parse(state.properties.json) as JsonObject) : {},
    transient: Object.fromEntries(values),
  };
}

/** Nobody hears of its own coming and going: its protocol builds that from the answer it got. */
export function withoutSelf(event: CoreEvent, self: SessionId): CoreEvent | undefined {
  if (event.kind === 'joined') {
    if (!event.members.some((member) => member.sessionId === self)) return event;
    const members = event.members.filter((member) => member.sessionId !== self);
    return members.length > 0 ? { kind: 'joined', members } : undefined;
  }
  if (event.kind === 'left' && event.sessionIds.includes(self)) {
    const sessionIds = event.sessionIds.filter((id) => id !== self);
    return sessionIds.length > 0 ? { kind: 'left', sessionIds } : undefined;
  }
  return event;
}
