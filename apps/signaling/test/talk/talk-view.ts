import { itemsOf, memberOf, textOf } from './browser-value';

/** Bits of a participant's state in the call. */
export const IN_CALL = 1;

/** A participant as the last list of participants had it. */
export type Participant = Readonly<Record<string, unknown>> & { readonly sessionId: string };

/**
 * What a page of Talk knows, as the web client gathers it (brief 7.1): no more careful than that one is. What would be a
 * TypeError there is one here.
 */
export class TalkView {
  /** Conversation shown; undefined: none. */
  room: string | undefined;
  properties: unknown;
  /** Public ids of everybody told to be in the conversation. */
  readonly present = new Set<string>();
  /** The last list of participants. */
  participants: readonly Participant[] = [];
  /** States of virtual sessions. */
  readonly flags = new Map<string, unknown>();
  readonly transient = new Map<string, unknown>();
  /** What happened, one line each, for scripts to wait for and to read when they wait in vain. */
  readonly diary: string[] = [];
  /** Comments that came by themselves, and how often the chat had to be fetched. */
  readonly comments: unknown[] = [];
  chatFetches = 0;
  /** Joins and leaves as told, in order: `+id`, `-id`; `?id` for who was taken for gone because of a reconnect. */
  readonly moves: string[] = [];
  /** The connection is another one: who is not in the next join event has left meanwhile. */
  reconnected = false;
  /** Where the page is to go. */
  switchTo: string | undefined;

  enter(token: string): void {
    this.room = token;
  }

  /** The page shows no conversation any more. */
  clear(): void {
    this.room = undefined;
    this.participants = [];
    this.present.clear();
    this.transient.clear();
    this.flags.clear();
  }

  /** The last known state of a session in the call. */
  inCall(sessionId: string | undefined): number {
    const entry = this.participants.find((participant) => participant.sessionId === sessionId);
    return Number(entry?.inCall ?? 0);
  }

  /** @throws TypeError what the web client would have thrown */
  receive(frame: unknown): void {
    switch (memberOf(frame, 'type')) {
      case 'room':
        return this.roomTold(frame);
      case 'event':
        return this.eventTold(memberOf(frame, 'event'));
      case 'transient':
        return this.transientTold(memberOf(frame, 'transient'));
      case 'dialout':
        return this.note(`dialout ${textOf(frame, 'dialout', 'type')}`);
    }
  }

  private roomTold(frame: unknown): void {
    const roomid = textOf(frame, 'room', 'roomid');
    if (this.room !== undefined && roomid !== this.room) {
      this.note(`moved from ${this.room} to ${roomid}`);
      return this.clear();
    }
    this.properties = memberOf(frame, 'room', 'properties');
    this.note(`room ${roomid}`);
  }

  private eventTold(event: unknown): void {
    switch (memberOf(event, 'target')) {
      case 'room':
        return this.roomEvent(event);
      case 'roomlist':
        return this.listEvent(event);
      case 'participants':
        return this.participantsEvent(event);
    }
  }

  private roomEvent(event: unknown): void {
    const type = textOf(event, 'type');
    switch (type) {
      case 'join':
        return this.joined(itemsOf(memberOf(event, 'join')));
      case 'leave':
        for (const id of itemsOf(memberOf(event, 'leave'))) this.lost(String(id), '-');
        return;
      case 'switchto':
        this.switchTo = textOf(event, 'switchto', 'roomid');
        return this.note(`switchto ${this.switchTo}`);
      case 'message':
        return this.announced(memberOf(event, 'message', 'data'));
      default:
        return this.note(`room/${type}`);
    }
  }

  private joined(entries: readonly unknown[]): void {
    const ids = entries.map((entry) => textOf(entry, 'sessionid'));
    if (this.reconnected) {
      this.reconnected = false;
      for (const id of this.present) if (!ids.includes(id)) this.lost(id, '?');
    }
    for (const id of ids) {
      if (this.present.has(id)) this.note(`joined twice ${id}`);
      this.present.add(id);
      this.moves.push(`+${id}`);
    }
  }

  private lost(id: string, how: '-' | '?'): void {
    this.present.delete(id);
    this.flags.delete(id);
    if (how === '-') this.participants = this.participants.filter(({ sessionId }) => sessionId !== id);
    this.moves.push(`${how}${id}`);
  }

  private announced(data: unknown): void {
    const type = textOf(data, 'type');
    if (type !== 'chat') return this.note(`${type} ${JSON.stringify(memberOf(data, type))}`);
    const comment = memberOf(data, 'chat', 'comment');
    if (comment !== undefined) this.comments.push(comment);
    else if (memberOf(data, 'chat', 'refresh') === true) this.chatFetches += 1;
  }

  private listEvent(event: unknown): void {
    const type = textOf(event, 'type');
    const roomid = textOf(event, type, 'roomid');
    if (type === 'disinvite') {
      this.note(`disinvite ${roomid} ${textOf(event, 'disinvite', 'reason')}`);
      if (roomid === this.room) this.clear();
      return;
    }
    // Read without a look whether there are properties at all.
    if (type === 'update') memberOf(event, 'update', 'properties', 'participant-list');
    this.note(`${type} ${roomid} ${JSON.stringify(memberOf(event, type, 'properties', 'name'))}`);
  }

  private participantsEvent(event: unknown): void {
    if (memberOf(event, 'type') === 'flags') {
      return void this.flags.set(textOf(event, 'flags', 'sessionid'), memberOf(event, 'flags', 'flags'));
    }
    const update = memberOf(event, 'update');
    if (memberOf(update, 'all') === true) {
      if (memberOf(update, 'incall') !== 0) return this.note('all are called: not understood');
      this.participants = this.participants.map((entry) => ({ ...entry, inCall: 0 }));
      return this.note('the call was ended');
    }
    this.participants = itemsOf(memberOf(update, 'users')).map((user) => ({
      ...(user as object),
      sessionId: textOf(user, 'sessionId'),
    }));
  }

  private transientTold(transient: unknown): void {
    switch (memberOf(transient, 'type')) {
      case 'set':
        return void this.transient.set(textOf(transient, 'key'), memberOf(transient, 'value'));
      case 'remove':
        return void this.transient.delete(textOf(transient, 'key'));
      case 'initial':
        for (const [key, value] of Object.entries(Object(memberOf(transient, 'data')) as object))
          this.transient.set(key, value);
    }
  }

  private note(line: string): void {
    this.diary.push(line);
  }
}
