import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '@parley/domain';
import type { Envelope } from '@parley/testing';
import { Life, type Ledger } from './ledger';
import { codeOf, Line } from './line';

/** Messages nothing is known about, at most: who is not answered does not go on talking for ever. */
const PATIENCE = 30;
/** A fence after so many messages. */
const FENCE_EVERY = 4;

/** What members send each other. */
interface Said extends JsonObject {
  readonly by: string;
  readonly way: 'room' | 'direct';
  readonly n: number;
  /** The session it is meant for; empty for the room. */
  readonly to: string;
}

/** Why the session is over of one who did not come back. */
export const DESERTED = 'it did not come back';

export interface Traits {
  readonly name: string;
  readonly room: string;
  /** Announces `message-seq`. */
  readonly counts: boolean;
  /** Whether it speaks to the room as well, or to sessions only. */
  readonly toRoom: boolean;
}

export interface Surroundings {
  readonly ledger: Ledger;
  /** Where it may connect, its favourite first. */
  readonly gateways: () => readonly string[];
  readonly backendUrl: string;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * Somebody in a room, who behaves as Talk does: comes back when the connection breaks, resumes, or says hello anew and
 * enters again when that is refused. Knows who is in the room from joins and leaves alone.
 */
export class Member {
  life: Life | undefined;
  /** Whom it believes to be in the room. */
  readonly roster = new Set<string>();
  /** Frames on connections it has turned away from, and how these ended. */
  readonly ghosts: { readonly line: Line; readonly frames: Envelope[] }[] = [];
  /** It does not mean to be there. */
  absent = true;
  /** Somebody broke its connection on purpose. */
  wasShaken = false;
  /** How its connections ended that nobody broke on purpose. */
  readonly losses: string[] = [];
  private line: Line | undefined;
  private inRoom = false;
  /** Its present connection has a session. */
  private greetedHere = false;
  private resumeId = '';
  private lastSeq: string | undefined;
  private spoken = 0;
  private attempts = 0;
  private attaching: Promise<void> | undefined;

  constructor(
    readonly traits: Traits,
    private readonly around: Surroundings,
  ) {}

  get name(): string {
    return this.traits.name;
  }

  /** It is connected and in its room. */
  get present(): boolean {
    return this.inRoom && this.line?.closed === undefined && this.attaching === undefined;
  }

  /** Connects and stays connected until {@link leave}. */
  come(): Promise<void> {
    this.absent = false;
    this.attaching ??= this.attach().finally(() => (this.attaching = undefined));
    return this.attaching;
  }

  /** Its connection breaks and it does not come back by itself. */
  async vanish(): Promise<void> {
    this.absent = this.wasShaken = true;
    this.inRoom = false;
    await this.breakLine();
  }

  /** Its connection breaks and it never comes back. */
  async desert(): Promise<void> {
    await this.vanish();
    if (this.life !== undefined) this.life.over = DESERTED;
  }

  /** Its connection breaks; it comes back at once. */
  async stumble(): Promise<void> {
    await this.vanish();
    void this.come();
  }

  /** Goes on elsewhere while its connection still stands. What comes there now is for nobody. */
  turnAway(): void {
    const { line } = this;
    if (line === undefined) return;
    const frames: Envelope[] = [];
    this.ghosts.push({ line, frames });
    this.wasShaken = true;
    this.attempts += 1;
    this.line = undefined;
    this.inRoom = false;
    line.forsake((envelope) => frames.push(envelope));
    void this.come();
  }

  /** Says something to somebody, or to the room. */
  speak(): void {
    const { line, around } = this;
    if (!this.present || line === undefined || line.waiting >= PATIENCE) return;
    this.spoken += 1;
    if (this.traits.toRoom && this.spoken % 2 === 0) this.toRoom(line);
    else {
      const others = [...this.roster].filter((id) => id !== this.life?.session);
      const to = others[Math.floor(around.random() * others.length)];
      if (to !== undefined) this.toSession(line, to);
    }
    if (this.spoken % FENCE_EVERY === 0) line.fence();
  }

  /** A last message to everybody. */
  speakToAll(): void {
    const { line } = this;
    if (line === undefined) return;
    for (const id of this.roster) if (id !== this.life?.session) this.toSession(line, id);
    if (this.traits.toRoom) this.toRoom(line);
  }

  /** Everything it said has been handled, or its connection broke. */
  async settled(): Promise<void> {
    await this.line?.settled();
  }

  /** Ends the session. */
  async leave(): Promise<void> {
    this.absent = true;
    await this.line?.request('bye', {}).catch(() => undefined);
    this.line?.drop();
  }

  private toSession(line: Line, to: string): void {
    const sent = this.around.ledger.next(this.name, `to ${to}`);
    line.message(sent, { type: 'session', sessionid: to }, { by: this.name, way: 'direct', n: sent.n, to });
  }

  private toRoom(line: Line): void {
    const sent = this.around.ledger.next(this.name, 'room');
    line.message(sent, { type: 'room' }, { by: this.name, way: 'room', n: sent.n, to: '' });
  }

  private async breakLine(): Promise<void> {
    const { line } = this;
    await this.attaching;
    if (line === undefined || line.closed !== undefined) return;
    const closed = new Promise<void>((resolve) => line.whenClosed(resolve));
    // Only who counts messages can lose what is on its way.
    if (this.traits.counts) line.drop();
    else line.close();
    await closed;
  }

  private async attach(): Promise<void> {
    while (!this.absent) {
      const gateways = this.around.gateways();
      const url = gateways[this.attempts % gateways.length] ?? '';
      let line: Line | undefined;
      try {
        line = await Line.open(url, this.around.ledger, (envelope) => this.receive(line, envelope));
        line.whenClosed(() => this.lost(line));
        this.line = line;
        this.greetedHere = false;
        await this.enter(line);
        return;
      } catch {
        // Until it was in its room once it stays where it belongs, however slow this machine is.
        if (line === undefined || this.life?.joined === true) this.attempts += 1;
        this.line = undefined;
        line?.drop();
        await pause(100 + 200 * this.around.random());
      }
    }
  }

  /** Resumes, or says hello and joins. Throws when it has to be tried again. */
  private async enter(line: Line): Promise<void> {
    const { name, counts, room } = this.traits;
    if (this.resumeId === '' || !(await this.resume(line))) {
      const auth = { url: this.around.backendUrl, params: { ticket: 'good', userid: name } };
      await line.ask('hello', { version: '1.0', auth, features: counts ? ['message-seq'] : [] });
    }
    if (this.inRoom) return;
    const join = () => line.ask('room', { roomid: room, sessionid: `nc/${name}+=` });
    if ((await join()) !== 'already_joined') return;
    // An earlier answer was lost, and with it who is there.
    await line.ask('room', { roomid: '' });
    await join();
  }

  /** False: it has to say a full hello on the same connection. */
  private async resume(line: Line): Promise<boolean> {
    const { lastSeq } = this;
    const answer = await line.request('hello', {
      version: '1.0',
      resumeid: this.resumeId,
      ...(lastSeq === undefined ? {} : { lastSeq }),
    });
    if (answer.type === 'hello') return true;
    const code = codeOf(answer);
    // The web client takes every refusal for the end of the session; who counts messages wants to have them.
    if (code !== 'no_such_session' && this.traits.counts) throw new Error(code);
    if (this.life !== undefined) this.life.over = code;
    this.resumeId = '';
    this.lastSeq = undefined;
    return false;
  }

  private lost(line: Line | undefined): void {
    if (line === undefined || line !== this.line) return;
    this.line = undefined;
    this.inRoom = false;
    if (!this.absent && this.greetedHere) this.losses.push(`${line.closed} after ${JSON.stringify(line.last)}`);
    if (!this.absent && this.attaching === undefined) void this.come();
  }

  /** At once, before anything that comes after it. */
  private receive(line: Line | undefined, envelope: Envelope): void {
    if (line !== undefined && this.line !== undefined && line !== this.line) return;
    if (typeof envelope.seq === 'string') this.lastSeq = envelope.seq;
    switch (envelope.type) {
      case 'hello':
        return this.greeted(envelope.hello as { sessionid: string; resumeid: string });
      case 'room':
        return this.entered(envelope);
      case 'message':
        return this.heard(saidIn(envelope));
      case 'event':
        return this.told(envelope.event as { target: string; type: string });
      case 'bye':
        // Asked for, it has an id; without a session it is about nobody.
        if (envelope.id === undefined && this.greetedHere)
          this.life?.complaints.push(`bye ${JSON.stringify(envelope.bye)}`);
    }
  }

  private greeted({ sessionid, resumeid }: { sessionid: string; resumeid: string }): void {
    const { ledger } = this.around;
    if (this.life?.session === sessionid) {
      this.life.resumed();
      this.inRoom = this.life.joined;
    } else {
      const { name, room, counts } = this.traits;
      this.life = ledger.begin(new Life(name, sessionid, room, counts));
    }
    this.resumeId = resumeid;
    this.greetedHere = true;
  }

  private entered({ id, room }: Envelope): void {
    if (id === undefined) return void this.life?.complaints.push(`was moved: ${JSON.stringify(room)}`);
    if ((room as { roomid?: unknown } | undefined)?.roomid === '') return;
    this.roster.clear();
    this.inRoom = true;
    if (this.life !== undefined) this.life.joined = true;
  }

  private heard({ by, way, n, to }: Said): void {
    if (to !== '' && to !== this.life?.session) this.life?.complaints.push(`heard what was said to ${to}`);
    this.life?.hear(by, way, n);
  }

  private told(event: { target: string; type: string; join?: { sessionid: string }[]; leave?: string[] }): void {
    if (event.target !== 'room') return;
    for (const { sessionid } of event.join ?? []) {
      if (this.roster.has(sessionid)) this.life?.complaints.push(`heard twice that ${sessionid} came`);
      this.roster.add(sessionid);
      if (sessionid !== this.life?.session) this.around.ledger.saw(this.name, sessionid);
    }
    for (const id of event.leave ?? []) {
      // Who takes the place of its own former session is not told that it was there, only that it went.
      if (this.roster.delete(id) || this.around.ledger.isOf(this.name, id)) continue;
      this.life?.complaints.push(`heard that ${id} went, who was not there`);
    }
  }
}

/** What a member said, of a message that came. */
function saidIn({ message }: Envelope): Said {
  return (message as { data: Said }).data; // only members send here
}
