import type { CoreEvent, Member, SessionId } from '@parley/domain';
import { ownerOfDocument } from '../room-port';
import type { RoomKeepsakes } from '../state-store';
import type { RoomPosition } from '../store';
import type { LiveSession } from './live-session';
import type { RoomPicture } from './room-picture';

/** A member without a connection of its own, as a room's feed keeps it. */
export interface Lodger {
  readonly id: SessionId;
  /** Where it entered. */
  readonly enteredAt: RoomPosition;
  member: Member;
  /** It is not in this room any more. */
  movedOut(): void;
}

/** The members this replica answers for: what it gives back to a store that lost the room. */
export class Residents {
  private readonly selves = new Map<LiveSession, Member>();
  private readonly lodgers = new Map<SessionId, Lodger>();

  get hasLodgers(): boolean {
    return this.lodgers.size > 0;
  }

  seat(session: LiveSession, member: Member): void {
    this.selves.set(session, member);
  }

  self(session: LiveSession): Member | undefined {
    return this.selves.get(session);
  }

  remove(session: LiveSession): void {
    this.selves.delete(session);
  }

  lodge(lodger: Lodger): void {
    this.lodgers.set(lodger.id, lodger);
  }

  evict(id: SessionId): void {
    this.lodgers.delete(id);
  }

  members(): Member[] {
    return [...this.selves.values(), ...[...this.lodgers.values()].map(({ member }) => member)];
  }

  follow(event: CoreEvent, at: RoomPosition): void {
    if (event.kind === 'joined' || event.kind === 'changed') {
      const byId = new Map(event.members.map((member) => [member.sessionId, member]));
      for (const [session, member] of this.selves) this.selves.set(session, byId.get(session.id) ?? member);
      for (const lodger of this.lodgers.values()) lodger.member = byId.get(lodger.id) ?? lodger.member;
    } else if (event.kind === 'left') for (const id of event.sessionIds) this.letGo(id, at);
    else if (event.kind === 'room-closed') for (const id of [...this.lodgers.keys()]) this.letGo(id, undefined);
  }

  /** What of the room this replica may give back: values of sessions elsewhere are not its business. */
  keepsakes(picture: RoomPicture, documents: RoomKeepsakes['documents']): RoomKeepsakes {
    const ours = new Set(this.members().map((member) => `sd:${member.sessionId}`));
    const transient = [...picture.transient.values()].filter(({ key }) => !key.startsWith('sd:') || ours.has(key));
    const present = [...documents].filter(([name]) => {
      const owner = ownerOfDocument(name);
      return owner === undefined || picture.members.has(owner);
    });
    return { properties: picture.properties, transient, documents: new Map(present) };
  }

  /** @param at where it was told that it left; a telling from before it came again is not about it */
  private letGo(id: SessionId, at: RoomPosition | undefined): void {
    const lodger = this.lodgers.get(id);
    if (!lodger) return;
    if (at?.generation === lodger.enteredAt.generation && at.seq <= lodger.enteredAt.seq) return;
    this.lodgers.delete(id);
    lodger.movedOut();
  }
}
