import type { Member, RoomSessionId, SessionId } from '@parley/domain';
import type { Cursor, Delivery } from '../../src/index';
import type { Node, Person } from './world';

/** What a client has been told, one after the other. */
type Told =
  | {
      readonly kind: 'snapshot';
      readonly room: RoomSessionId;
      readonly others: readonly Member[];
      readonly cursor: Cursor;
    }
  | { readonly kind: 'out'; readonly cursor: Cursor }
  | { readonly kind: 'delivery'; readonly delivery: Delivery };

/**
 * A client with message numbers, as our SDK is one: it knows exactly what it has read, loses what was on its way when a
 * connection breaks, and resumes from there. Its operations run one after the other.
 */
export class DialogueClient {
  private told: Told[] = [{ kind: 'out', cursor: { session: 0 } }];
  private read = 0;
  private turn: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    public person: Person,
  ) {}

  get id(): SessionId {
    return this.person.id;
  }

  inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work);
    return this.turn;
  }

  async join(room: RoomSessionId): Promise<void> {
    if (this.person.session.room === room) return;
    const { others, cursor } = await this.person.join(room);
    this.drain();
    this.told.push({ kind: 'snapshot', room, others, cursor: { session: this.cursor.session, room: cursor } });
  }

  async leave(): Promise<void> {
    await this.person.session.leave();
    this.drain();
    this.told.push({ kind: 'out', cursor: { session: this.cursor.session } });
  }

  /** The connection breaks with up to `lost` events unread; it goes on at `node`. */
  async reconnect(node: Node, lost: number, politely: boolean): Promise<void> {
    if (politely) await this.person.session.detach();
    this.drain();
    for (let n = 0; n < lost && this.told.at(-1)?.kind === 'delivery'; n++) this.told.pop();
    const again = await node.resume(this.person, this.cursor);
    if (!again) throw new Error(`${this.name} was not resumed`);
    this.person = again;
    this.read = 0;
    this.drain();
  }

  /** Everything it was told, in its words; throws when that contradicts itself. */
  account(): { texts: string[]; present: SessionId[] | undefined } {
    this.drain();
    const texts: string[] = [];
    let present: Set<SessionId> | undefined;
    for (const told of this.told) {
      if (told.kind === 'snapshot') present = new Set(told.others.map((member) => member.sessionId));
      else if (told.kind === 'out') present = undefined;
      else if (told.delivery.event.kind === 'message') texts.push(told.delivery.event.raw);
      else if (present) this.follow(present, told.delivery);
    }
    return { texts, present: present && [...present].sort() };
  }

  private follow(present: Set<SessionId>, { event }: Delivery): void {
    if (event.kind === 'joined') {
      for (const { sessionId } of event.members) {
        if (present.has(sessionId)) throw new Error(`${this.name} heard twice that ${sessionId} came`);
        present.add(sessionId);
      }
    } else if (event.kind === 'left') {
      for (const id of event.sessionIds) {
        if (!present.delete(id)) throw new Error(`${this.name} heard that ${id} went, who was not there`);
      }
    }
  }

  private get cursor(): Cursor {
    const last = this.told.at(-1);
    if (!last) return { session: 0 };
    return last.kind === 'delivery' ? last.delivery.cursor : last.cursor;
  }

  private drain(): void {
    const { deliveries } = this.person.sink;
    for (; this.read < deliveries.length; this.read++) {
      const delivery = deliveries[this.read];
      if (delivery) this.told.push({ kind: 'delivery', delivery });
    }
  }
}
