import type { CoreEvent, Member, SessionId } from '@parley/domain';

/**
 * What a group of clients believes about who is in their room, kept only while that may differ from the truth: after
 * the store lost the room and its members are announced anew one by one. Members that come back are not news to them.
 */
export class Cohort {
  constructor(private readonly known: Map<SessionId, Member>) {}

  /** The event as news to this group; undefined when it is none. */
  filter(event: CoreEvent): CoreEvent | undefined {
    if (event.kind === 'joined') return this.filterJoined(event.members);
    if (event.kind === 'left') {
      const gone = event.sessionIds.filter((id) => this.known.delete(id));
      return gone.length > 0 ? { kind: 'left', sessionIds: gone } : undefined;
    }
    if (event.kind === 'changed') for (const member of event.members) this.known.set(member.sessionId, member);
    return event;
  }

  /** What makes the group agree with the truth. */
  catchUp(members: Iterable<Member>, withGone: boolean): CoreEvent[] {
    const all = [...members];
    const events: CoreEvent[] = [];
    if (withGone) {
      const present = new Set(all.map((member) => member.sessionId));
      const gone = [...this.known.keys()].filter((id) => !present.has(id));
      const left = gone.length > 0 ? this.filter({ kind: 'left', sessionIds: gone }) : undefined;
      if (left) events.push(left);
    }
    const changed = all.filter((member) => roleDiffers(this.known.get(member.sessionId), member));
    if (changed.length > 0) events.push({ kind: 'changed', members: changed });
    for (const member of changed) this.known.set(member.sessionId, member);
    const joined = this.filterJoined(all);
    if (joined) events.push(joined);
    return events;
  }

  private filterJoined(members: readonly Member[]): CoreEvent | undefined {
    const fresh = members.filter((member) => !this.known.has(member.sessionId));
    const changed = members.filter((member) => roleDiffers(this.known.get(member.sessionId), member));
    for (const member of members) this.known.set(member.sessionId, member);
    if (fresh.length > 0) return { kind: 'joined', members: fresh };
    return changed.length > 0 ? { kind: 'changed', members: changed } : undefined;
  }
}

function roleDiffers(known: Member | undefined, now: Member): boolean {
  return known !== undefined && known.role !== now.role;
}
