import type { CoreEvent, JsonObject, JsonValue, Member, TransientEvent } from '@parley/domain';
import type { RoomPicture } from './room-picture';

/**
 * What a group of clients believes about their room, kept only while that may differ from the truth: after the store
 * lost the room and its replicas give it back piece by piece. What comes back is no news to them.
 */
export class Cohort {
  constructor(private readonly known: RoomPicture) {}

  /** The event as news to this group; undefined when it is none. */
  filter(event: CoreEvent): CoreEvent | undefined {
    if (event.kind === 'joined') return this.filterJoined(event.members);
    if (event.kind === 'left') {
      const gone = event.sessionIds.filter((id) => this.known.members.delete(id));
      return gone.length > 0 ? { kind: 'left', sessionIds: gone } : undefined;
    }
    const news = this.isNews(event) ? event : undefined;
    this.known.follow(event);
    return news;
  }

  /** What makes the group agree with the truth. */
  catchUp(truth: RoomPicture, withGone: boolean): CoreEvent[] {
    const all = [...truth.members.values()];
    const events: CoreEvent[] = [];
    if (withGone) {
      const gone = [...this.known.members.keys()].filter((id) => !truth.members.has(id));
      const left = gone.length > 0 ? this.filter({ kind: 'left', sessionIds: gone }) : undefined;
      if (left) events.push(left);
      for (const key of this.known.transient.keys()) if (!truth.transient.has(key)) events.push(this.removal(key));
    }
    const changed = all.filter((member) => roleDiffers(this.known.members.get(member.sessionId), member));
    if (changed.length > 0) events.push({ kind: 'changed', members: changed });
    for (const member of changed) this.known.members.set(member.sessionId, member);
    const joined = this.filterJoined(all);
    if (joined) events.push(joined);
    return [...events, ...stateOf(truth).flatMap((event) => this.filter(event) ?? [])];
  }

  private isNews(event: CoreEvent): boolean {
    if (event.kind === 'room-changed' && event.order !== undefined) {
      return this.known.properties?.json !== JSON.stringify(event.properties);
    }
    if (event.kind !== 'transient') return true;
    const before = this.known.transient.get(event.key);
    return before?.json !== (event.value === undefined ? undefined : JSON.stringify(event.value));
  }

  private removal(key: string): CoreEvent {
    const before = this.known.transient.get(key);
    this.known.transient.delete(key);
    const event: TransientEvent = { kind: 'transient', change: 'remove', key };
    return before ? { ...event, oldValue: JSON.parse(before.json) as JsonValue } : event;
  }

  private filterJoined(members: readonly Member[]): CoreEvent | undefined {
    const { members: known } = this.known;
    const fresh = members.filter((member) => !known.has(member.sessionId));
    const changed = members.filter((member) => roleDiffers(known.get(member.sessionId), member));
    for (const member of members) known.set(member.sessionId, member);
    if (fresh.length > 0) return { kind: 'joined', members: fresh };
    return changed.length > 0 ? { kind: 'changed', members: changed } : undefined;
  }
}

/** Who does not know the truth about the room yet, with what they believe. */
export class Cohorts<Client> {
  private readonly byClient = new Map<Client, Cohort>();

  /** Those who are in none yet believe this from now on. */
  found(clients: Iterable<Client>, picture: RoomPicture): void {
    const believed = new Cohort(picture.copy());
    for (const client of clients) if (!this.byClient.has(client)) this.byClient.set(client, believed);
  }

  set(client: Client, cohort: Cohort): void {
    this.byClient.set(client, cohort);
  }

  delete(client: Client): void {
    this.byClient.delete(client);
  }

  clear(): void {
    this.byClient.clear();
  }

  /** The event as news to each of them; undefined when there are none of them. */
  newsOf(event: CoreEvent): ReadonlyMap<Client, CoreEvent | undefined> | undefined {
    return this.byClient.size === 0 ? undefined : this.each((cohort) => cohort.filter(event));
  }

  /** What makes each of them agree with the truth. */
  catchUp(truth: RoomPicture, withGone: boolean): ReadonlyMap<Client, readonly CoreEvent[]> {
    return this.each((cohort) => cohort.catchUp(truth, withGone));
  }

  /** Once for each cohort: it learns by it. */
  private each<Answer>(work: (cohort: Cohort) => Answer): Map<Client, Answer> {
    const answers = new Map<Cohort, { readonly answer: Answer }>();
    const byClient = new Map<Client, Answer>();
    for (const [client, cohort] of this.byClient) {
      const known = answers.get(cohort) ?? { answer: work(cohort) };
      answers.set(cohort, known);
      byClient.set(client, known.answer);
    }
    return byClient;
  }
}

/** Properties and transient values as the events that would tell of them. */
function stateOf({ properties, transient }: RoomPicture): CoreEvent[] {
  const events: CoreEvent[] = [...transient.values()].map(({ key, json, expiresAt }) => ({
    kind: 'transient',
    change: 'set',
    key,
    value: JSON.parse(json) as JsonValue, // written by setTransient
    expiresAt,
  }));
  if (!properties) return events;
  const { json, order } = properties;
  return [...events, { kind: 'room-changed', properties: JSON.parse(json) as JsonObject, order }];
}

function roleDiffers(known: Member | undefined, now: Member): boolean {
  return known !== undefined && known.role !== now.role;
}
