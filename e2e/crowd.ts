import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { ParleyClient, type Session, type SocketClass } from '@parley/client';
import { eventually } from '@parley/testing';
import { WebSocket } from 'ws';

/** People come from many addresses: what Parley counts per address is not what is looked at here. */
const ADDRESSES = 50;
/** Who asks for tickets at the same time. */
const AT_ONCE = 16;
/** For a machine that has much else to do. */
const PATIENT = { answerMs: 60_000, retryMs: 250, giveUpMs: 300_000 };

/** Somebody in a room, with all it was told. */
export class Member {
  /** The numbers it heard, in order. */
  readonly heard: number[] = [];
  /** E.g. `interrupted`, `connected: resumed`. */
  readonly states: string[] = [];
  session: Session | undefined;
  /** What it was told of regions where its room goes on. */
  readonly signs: unknown[] = [];

  get id(): string {
    return this.session?.sessionId ?? '';
  }

  get hasEnded(): boolean {
    return this.states.some((state) => state.startsWith('closed'));
  }

  /** How often it was told this state. */
  count(state: string): number {
    return this.states.filter((each) => each === state).length;
  }
}

/** A room in which one talks, in numbers, and the others listen. */
export class TalkingRoom {
  readonly members: readonly Member[];
  /** The last number that was said. */
  said = 0;
  private isSilent = false;

  constructor(
    readonly path: string,
    size: number,
  ) {
    this.members = Array.from({ length: size }, () => new Member());
  }

  get listeners(): readonly Member[] {
    return this.members.slice(1);
  }

  say(): void {
    const [speaker] = this.members;
    if (this.isSilent || speaker?.hasEnded !== false) return;
    this.said += 1;
    speaker.session?.send({ type: 'room' }, { n: this.said });
  }

  /** Its speaker waits: the room goes on elsewhere, and what is said before all are there nobody promised to deliver. */
  hold(): void {
    this.isSilent = true;
  }

  /**
   * Its speaker goes on behind what was heard, as every app has to whose own connection ended.
   * @throws when the listeners have not all heard the same
   */
  goOn(): void {
    const heard = [...new Set(this.listeners.map((listener) => listener.heard.length))];
    const [same] = heard;
    if (same === undefined || heard.length > 1) throw new Error(`in ${this.path} some heard more: ${heard.join(', ')}`);
    this.said = same;
    this.isSilent = false;
  }

  /** Those who have not heard exactly what was said. */
  get amiss(): readonly Member[] {
    return this.listeners.filter(
      ({ heard }) => heard.length !== this.said || heard.some((number, index) => number !== index + 1),
    );
  }
}

export interface CrowdOptions {
  /** Rooms of a domain, by path. */
  readonly rooms: readonly string[];
  readonly perRoom: number;
  /** The front door where everybody asks. */
  readonly door: string;
  /** Where speakers connect instead of a socket URL they were told. */
  readonly speakersAt: (url: string) => string;
}

/** Many sessions of our client, who talk and listen in rooms. */
export class Crowd {
  readonly rooms: readonly TalkingRoom[];
  private talking: NodeJS.Timeout | undefined;

  constructor(private readonly options: CrowdOptions) {
    this.rooms = options.rooms.map((path) => new TalkingRoom(path, options.perRoom));
  }

  get members(): readonly Member[] {
    return this.rooms.flatMap(({ members }) => members);
  }

  /** Everybody enters. */
  async enter(): Promise<void> {
    const all = this.rooms.flatMap((room) => room.members.map((member, place) => ({ room, member, place })));
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let index = next++; index < all.length; index = next++) {
        const one = all[index];
        if (one !== undefined) await this.enterOne(one.room, one.member, { speaks: one.place === 0, index });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** From now on a number is said in each room about once a second. */
  talk(): void {
    let turn = 0;
    this.talking = setInterval(() => this.rooms[turn++ % this.rooms.length]?.say(), 1_000 / this.rooms.length);
  }

  /** Nothing more is said; resolves when everybody has heard all, once and in order. */
  async hush(): Promise<void> {
    clearInterval(this.talking);
    const amiss = () => this.rooms.flatMap((room) => room.amiss.map((member) => ({ room, member })));
    await eventually(
      () => amiss().length === 0,
      () => `everybody to have heard all; ${describe(amiss())}`,
      120_000,
    );
  }

  /** How many were told this state at least once. */
  told(state: string): number {
    return this.members.filter((member) => member.count(state) > 0).length;
  }

  /** Why sessions ended that should not have. */
  ends(): string[] {
    return [...new Set(this.members.flatMap(({ states }) => states.filter((state) => state.startsWith('closed'))))];
  }

  leave(): void {
    clearInterval(this.talking);
    for (const { session } of this.members) session?.leave();
  }

  private async enterOne(room: TalkingRoom, member: Member, { speaks, index }: Place): Promise<void> {
    const address = `127.0.7.${1 + (index % ADDRESSES)}`;
    const client = clientFrom(address, this.options.door, speaks ? this.options.speakersAt : (url) => url);
    member.session = await client.join(
      { room: room.path, displayName: `member ${index}` },
      {
        message: ({ data }) => void member.heard.push((data as { n: number }).n),
        event: ({ type, switchto }) => {
          if (type === 'switchto') member.signs.push(switchto);
        },
        state: (state, reason) => {
          member.states.push(reason === undefined ? state : `${state}: ${reason}`);
          if (reason === 'moved') room.hold();
        },
      },
    );
  }
}

interface Place {
  readonly speaks: boolean;
  readonly index: number;
}

/** Our client on a machine of its own. */
export function clientFrom(
  address: string,
  door: string,
  placed: (url: string) => string = (url) => url,
): ParleyClient {
  return new ParleyClient({
    url: door,
    frontDoor: 'as-given',
    fetch: fetchFrom(address),
    webSocket: socketFrom(address, placed),
    times: PATIENT,
  });
}

function socketFrom(localAddress: string, placed: (url: string) => string): SocketClass {
  return class extends WebSocket {
    constructor(url: string) {
      super(placed(url), { localAddress, perMessageDeflate: false });
    }
  };
}

function fetchFrom(localAddress: string): typeof fetch {
  return async (input, init) => {
    const asked = new Request(input, init);
    const headers = Object.fromEntries(asked.headers);
    const sent = request(asked.url, { method: asked.method, headers, localAddress, agent: false });
    asked.signal.addEventListener('abort', () => void sent.destroy(new Error('it took too long')));
    sent.end(await asked.text());
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const body = await text(answer);
    const told = new Headers();
    for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
      told.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '');
    }
    return new Response(body === '' ? null : body, { status: answer.statusCode ?? 0, headers: told });
  };
}

function describe(amiss: readonly { readonly room: TalkingRoom; readonly member: Member }[]): string {
  const shown = amiss.slice(0, 5).map(({ room, member: { heard, states } }) => {
    const wrong = heard.findIndex((number, index) => number !== index + 1);
    const broken = wrong === -1 ? '' : `, ${heard[wrong]} in the place of ${wrong + 1}`;
    return `${room.path}: ${heard.length} of ${room.said}${broken} (${states.join(', ')})`;
  });
  return `${amiss.length} have not: ${shown.join('; ')}`;
}
