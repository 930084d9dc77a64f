import { eventually } from '@parley/testing';
import type { FaultHouse } from './fault-house';
import { Ledger, type Promises } from './ledger';
import { Member, type Traits } from './member';

/** Everybody speaks so often. */
const SPEAKS_EVERY_MS = 60;

/** How long attached clients may disagree (DESIGN, section 3). */
export const AGREED_WITHIN_MS = 15_000;

/** Who is in a room: for each gateway, whether its members count messages. */
export interface RoomPlan {
  readonly room: string;
  readonly counts: readonly (readonly boolean[])[];
  readonly toRoom: boolean;
}

/** Members of several rooms on several gateways who talk all the time. */
export class Crowd {
  readonly ledger = new Ledger();
  readonly members: Member[] = [];
  /** Sessions without a connection that Redis may still know: all see them, or nobody. */
  readonly doubtful = new Set<string>();
  private readonly random: () => number;
  private timer: NodeJS.Timeout | undefined;
  private guests = 0;

  constructor(
    private readonly house: FaultHouse,
    seed: number,
  ) {
    this.random = randomFrom(seed);
  }

  /** Everybody comes in and sees everybody. */
  async gather(plans: readonly RoomPlan[]): Promise<void> {
    for (const { room, counts, toRoom } of plans) {
      for (const [gateway, features] of counts.entries()) {
        for (const [index, counting] of features.entries()) {
          const name = `${room}-g${gateway + 1}-${counting ? 'counting' : 'plain'}-${index + 1}`;
          this.add({ name, room, counts: counting, toRoom }, gateway);
        }
      }
    }
    for (const member of this.members) void member.come();
    await this.agrees('at first', 60_000);
  }

  /** Those whose favourite gateway is this one. */
  at(gateway: number): Member[] {
    return this.members.filter(({ name }) => name.includes(`-g${gateway + 1}-`));
  }

  get rooms(): string[] {
    return [...new Set(this.members.map(({ traits }) => traits.room))];
  }

  /** One of those there are, if there is any. */
  pick(gateway: number, counts: boolean, room: string | undefined): Member[] {
    const all = this.at(gateway).filter(({ traits }) => traits.counts === counts && traits.room === room);
    const index = Math.floor(this.random() * all.length);
    return all.slice(index, index + 1);
  }

  /** What was written to the members' sockets before now is read. */
  async hearsWhatCame(): Promise<void> {
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  }

  /** Waits until these have found another gateway. */
  async movedTo(movers: readonly Member[]): Promise<void> {
    await eventually(
      () => movers.every(({ present }) => present),
      () => `${namesOf(movers.filter(({ present }) => !present))} to be back on another gateway`,
      30_000,
    );
  }

  start(): void {
    let next = 0;
    // One after the other, so that they do not speak in chorus.
    this.timer = setInterval(() => {
      const member = this.members[(next += 1) % this.members.length];
      member?.speak();
    }, SPEAKS_EVERY_MS / this.members.length);
  }

  /** Waits until everybody who is there was answered so many more messages. */
  async talks(count: number): Promise<void> {
    const accepted = ({ name }: Member) => this.ledger.count('accepted', name);
    const goals = this.members.map((member) => ({ member, goal: accepted(member) + count }));
    const silent = () => goals.filter(({ member, goal }) => !member.absent && accepted(member) < goal);
    await eventually(
      () => silent().length === 0,
      () => `${count} more messages of ${namesOf(silent().map(({ member }) => member))} to be accepted`,
      40_000,
    );
  }

  /** How many messages were refused with an error. */
  get refused(): number {
    return this.members.reduce((sum, { name }) => sum + this.ledger.count('refused', name), 0);
  }

  /** Waits until everybody is back and all of a room see the same people: those who mean to be there. */
  async agrees(when: string, withinMs = AGREED_WITHIN_MS): Promise<void> {
    const clock = new WorkingClock();
    await eventually(
      () => this.disagreements().length === 0 || clock.elapsed() >= withinMs,
      'the members to agree or disagree',
      10 * withinMs,
    );
    const left = this.disagreements().slice(0, 20).join('\n');
    if (left !== '') throw new Error(`after ${withinMs} ms they do not agree ${when}:\n${left}`);
  }

  /** Everybody says a last word; then all that was accepted must be heard, and nothing that must not be. */
  async finish(promises: Promises): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.members.map((member) => member.settled()));
    for (const member of this.members) member.speakToAll();
    await Promise.all(this.members.map((member) => member.settled()));
    await this.newcomersSeeTheSame();
    const { ledger } = this;
    await eventually(
      () => ledger.missing().length === 0,
      () => `everything to be heard:\n${ledger.missing().slice(0, 20).join('\n')}`,
      30_000,
    );
    expect(ledger.violations(promises).slice(0, 20)).toEqual([]);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.members.map((member) => member.vanish()));
  }

  private add(traits: Traits, gateway: number): Member {
    const member = new Member(traits, {
      ledger: this.ledger,
      gateways: () => this.urlsFrom(gateway),
      backendUrl: this.house.cloud.url,
      random: this.random,
    });
    this.members.push(member);
    return member;
  }

  /** This gateway first, then the others. One that is gone is still tried. */
  private urlsFrom(favourite: number): string[] {
    const urls = this.house.addresses;
    return [...urls.slice(favourite), ...urls.slice(0, favourite)];
  }

  private disagreements(): string[] {
    const missing = this.members.filter(({ absent, present }) => !absent && !present);
    const wrong = this.rooms.flatMap((room) => {
      const inside = this.members.filter(({ traits, absent }) => traits.room === room && !absent);
      const seen = [...this.doubtful].filter((id) => inside.some(({ roster }) => roster.has(id)));
      const expected = [...inside.map(({ life }) => life?.session ?? ''), ...seen];
      return inside.flatMap((member) => differences(member, expected, this.ledger));
    });
    return [...missing.map(({ name }) => `${name} is not there`), ...wrong];
  }

  /** What a server says of a room is what its members say: on every gateway. */
  private async newcomersSeeTheSame(): Promise<void> {
    const newcomers = this.rooms.flatMap((room) =>
      this.house.gateways.map((_, gateway) => {
        const name = `newcomer-${(this.guests += 1)}`;
        return this.add({ name, room, counts: false, toRoom: false }, gateway);
      }),
    );
    await Promise.all(newcomers.map((newcomer) => newcomer.come()));
    await this.agrees('when newcomers came');
    await Promise.all(newcomers.map((newcomer) => newcomer.leave()));
    await this.agrees('when the newcomers went');
  }
}

function differences({ name, roster }: Member, expected: readonly string[], ledger: Ledger): string[] {
  const nameOf = (id: string) => ledger.lives.find(({ session }) => session === id)?.member ?? id;
  const lacks = expected.filter((id) => !roster.has(id)).map(nameOf);
  const surplus = [...roster].filter((id) => !expected.includes(id)).map(nameOf);
  return [
    ...(lacks.length > 0 ? [`${name} does not see ${lacks.join(', ')}`] : []),
    ...(surplus.length > 0 ? [`${name} still sees ${surplus.join(', ')}`] : []),
  ];
}

function namesOf(members: readonly Member[]): string {
  return members.map(({ name }) => name).join(', ');
}

/**
 * Time as it passes for processes that get the processor: where others have it, as on a machine that runs all tests at
 * once, this process waits too and does not count that.
 */
class WorkingClock {
  private last = performance.now();
  private sum = 0;

  /** In milliseconds; to be asked all the time. */
  elapsed(): number {
    const now = performance.now();
    this.sum += Math.min(now - this.last, 40);
    this.last = now;
    return this.sum;
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
