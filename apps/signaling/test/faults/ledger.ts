/** How a message was addressed: to a session (then its id), or to the room. */
export type Way = 'room' | `to ${string}`;

/** What is known about a message by what its sender was told. */
export type Fate =
  /** Nothing yet. */
  | 'open'
  /** It was handled, and no error came. */
  | 'accepted'
  /** An error came: whether it was handed on is unknown, but not twice. */
  | 'refused'
  /** The connection broke before anything came. */
  | 'unknown';

export interface Sent {
  readonly by: string;
  readonly way: Way;
  readonly n: number;
  fate: Fate;
  /** The code of the error that came. */
  refusal?: string;
}

/** What came on one connection: by sender and way, in order. */
type Heard = Map<string, number[]>;

/** One session of a member, from its hello until it is refused. */
export class Life {
  /** What came on each of its connections. */
  private readonly connections: Heard[] = [new Map<string, number[]>()];
  /** What must not happen, seen by the member itself. */
  readonly complaints: string[] = [];
  /** It entered its room. */
  joined = false;
  /** Why it went on with another session. */
  over: string | undefined;
  /** Who saw it in the room first, after how many messages of theirs to the room. */
  readonly seenAfter = new Map<string, number>();

  constructor(
    readonly member: string,
    readonly session: string,
    readonly room: string,
    /** It numbers messages: exactly once. */
    readonly counts: boolean,
  ) {}

  hear(by: string, way: 'room' | 'direct', n: number): void {
    const heard = this.connections.at(-1);
    const numbers = heard?.get(`${by} ${way}`) ?? [];
    numbers.push(n);
    heard?.set(`${by} ${way}`, numbers);
  }

  resumed(): void {
    this.connections.push(new Map());
  }

  /** The numbers heard of a sender, on each connection. */
  heardOf(by: string, way: 'room' | 'direct'): number[][] {
    return this.connections.map((heard) => heard.get(`${by} ${way}`) ?? []);
  }
}

/** What was promised to whom. */
export interface Promises {
  /**
   * Replicas died or froze, or Redis did not hear how far its clients had read: who does not count messages may hear some
   * again after it resumed.
   */
  readonly replays: boolean;
}

/** Who sent what, and who heard it. */
export class Ledger {
  readonly lives: Life[] = [];
  private readonly sent = new Map<string, Sent[]>();
  private readonly counts = new Map<string, number>();

  begin(life: Life): Life {
    this.lives.push(life);
    return life;
  }

  /** Whether this session is or was this member's. */
  isOf(member: string, session: string): boolean {
    return this.lives.some((life) => life.session === session && life.member === member);
  }

  /** The next message of this member on this way. */
  next(by: string, way: Way): Sent {
    const all = this.list(by, way);
    const sent: Sent = { by, way, n: all.length + 1, fate: 'open' };
    all.push(sent);
    return sent;
  }

  /** This member sees this session in its room. */
  saw(by: string, session: string): void {
    const life = this.lives.find((candidate) => candidate.session === session);
    if (life && !life.seenAfter.has(by)) life.seenAfter.set(by, this.list(by, 'room').length);
  }

  /** A message's sender was told something about it, or will be told nothing. */
  learn(sent: Sent, fate: Exclude<Fate, 'open'>, refusal?: string): void {
    sent.fate = fate;
    if (refusal !== undefined) sent.refusal = refusal;
    const key = `${sent.by} ${fate}`;
    this.counts.set(key, this.count(fate, sent.by) + 1);
  }

  /** How many messages of this member are known to have met this fate. */
  count(fate: Fate, by: string): number {
    return this.counts.get(`${by} ${fate}`) ?? 0;
  }

  /** What should have been heard by now and was not. */
  missing(): string[] {
    return this.lives.flatMap((life) =>
      this.owed(life).flatMap(({ by, way, expected, got }) => {
        const last = life.over === undefined ? Infinity : Math.max(0, ...got);
        const heard = new Set(got);
        const lost = expected.filter((n) => n <= last && !heard.has(n));
        return lost.length > 0 ? [`${nameOf(life)} has not heard ${short(lost)} of ${by} (${way})`] : [];
      }),
    );
  }

  /** What must not have happened. */
  violations({ replays }: Promises): string[] {
    const odd = [...this.sent.values()].flat().filter(({ refusal = 'internal_error' }) => refusal !== 'internal_error');
    const refusals = odd.map(({ by, way, n, refusal }) => `${by} was refused message ${n} ${way} with ${refusal}`);
    const late = new Map<string, Set<Sent>>();
    const told = this.lives.flatMap((life) => {
      const strict = life.counts || !replays;
      const heard = this.owed(life).flatMap(({ by, way, connections, all }) =>
        disorderIn(strict ? [connections.flat()] : connections).flatMap(({ n, after, again }) => {
          const sent = all[n - 1];
          // Its replica was just handing it on when it froze: nobody knows what became of it, and it may come late.
          if (replays && sent?.fate === 'unknown' && !again) {
            late.set(by, (late.get(by) ?? new Set<Sent>()).add(sent));
            return [];
          }
          return [`heard of ${by} (${way}) ${n} after ${after}`];
        }),
      );
      return [...(strict ? life.complaints : []), ...heard].map((line) => `${nameOf(life)} ${line}`);
    });
    const loose = [...late]
      .filter(([, sent]) => sent.size > 1)
      .map(([by, { size }]) => `${size} messages of ${by} came late`);
    return [...refusals, ...told, ...loose];
  }

  /** For each sender and way: what a life was to hear, and what it heard. */
  private owed(life: Life): {
    by: string;
    way: 'room' | 'direct';
    all: readonly Sent[];
    expected: number[];
    got: number[];
    connections: number[][];
  }[] {
    const senders = new Set(life.seenAfter.keys());
    return [...senders].flatMap((by) =>
      (['room', 'direct'] as const).map((way) => {
        const all = this.list(by, way === 'room' ? way : `to ${life.session}`);
        const since = way === 'room' ? (life.seenAfter.get(by) ?? 0) : 0;
        const expected = all.filter(({ fate, n }) => fate === 'accepted' && n > since).map(({ n }) => n);
        const connections = life.heardOf(by, way);
        return { by, way, all, expected, got: connections.flat(), connections };
      }),
    );
  }

  private list(by: string, way: Way): Sent[] {
    const key = `${by} ${way}`;
    const list = this.sent.get(key) ?? [];
    this.sent.set(key, list);
    return list;
  }
}

function nameOf({ member, session, counts }: Life): string {
  return `${member}${counts ? ' (message-seq)' : ''} as ${session.slice(0, 6)}`;
}

interface Disorder {
  readonly n: number;
  readonly after: number;
  /** It was heard before. */
  readonly again: boolean;
}

/** Where numbers do not rise; on a further connection what was heard may come again, but nothing else from before it. */
function disorderIn(connections: readonly number[][]): Disorder[] {
  const found: Disorder[] = [];
  const heard = new Set<number>();
  let newest = 0;
  for (const run of connections) {
    let before = 0;
    for (const n of run) {
      const again = heard.has(n);
      if (n <= before || (n < newest && !again)) found.push({ n, after: Math.max(before, newest), again });
      before = Math.max(before, n);
      heard.add(n);
    }
    newest = Math.max(newest, before);
  }
  return found;
}

function short(numbers: readonly number[]): string {
  return numbers.length > 12
    ? `${numbers.slice(0, 12).join(', ')} and ${numbers.length - 12} more`
    : numbers.join(', ');
}
