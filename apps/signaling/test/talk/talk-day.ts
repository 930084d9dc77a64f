import { brandAs, type SessionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import type { RunningSignaling } from '../../src/app';
import { TalkServer } from '../backend-poster';
import { TestRegion } from '../gateway';
import { TcpGate } from '../tcp-gate';
import type { Attendee } from './conversation';
import { TalkBridge } from './talk-bridge';
import { TalkPhp, type Visit } from './talk-php';
import { TalkWebClient, type TalkSite, type TalkWebClientOptions } from './talk-web-client';

const QUICK = {
  backendTimes: { pingMs: 300, leaveRetryMs: [50, 50] },
  federationTimes: { firstRetryMs: 50, lastRetryMs: 200 },
  // Nobody waits until a bridge is given up.
  dialoutMs: 30_000,
};

/** Two replicas behind one URL, two Nextclouds, and everybody who has a page open. */
export class TalkDay {
  readonly pages: TalkWebClient[] = [];
  private readonly replicas = new Map<string, RunningSignaling>();

  private constructor(
    readonly region: TestRegion,
    readonly door: TcpGate,
    private readonly talks: readonly TalkServer[],
    readonly php: TalkPhp,
    /** Another Nextcloud, whose people are guests of the first one. */
    readonly far: TalkPhp,
  ) {}

  static async start(): Promise<TalkDay> {
    const region = await TestRegion.start();
    const talk = await TalkServer.start(region, 'talk');
    const far = await TalkServer.start(region, 'far');
    const door = await TcpGate.to();
    const day = new TalkDay(region, door, [talk, far], new TalkPhp(talk, door.url), new TalkPhp(far, door.url));
    for (const name of ['one', 'two']) await day.startReplica(name);
    return day;
  }

  async close(): Promise<void> {
    for (const page of this.pages) page.drop();
    await this.region.close();
    await this.door.close();
    await Promise.all(this.talks.map((talk) => talk.close()));
  }

  replica(name: string): RunningSignaling {
    const replica = this.replicas.get(name);
    if (replica === undefined) throw new Error(`no replica ${name} runs`);
    return replica;
  }

  async startReplica(name: string): Promise<void> {
    this.replicas.set(name, await this.region.replica(QUICK));
    this.openBoth();
  }

  /** It goes away as in a rolling update. */
  async stopReplica(name: string): Promise<void> {
    const replica = this.replica(name);
    this.replicas.delete(name);
    this.openBoth();
    await this.region.retire(replica);
  }

  /** Whoever connects while `work` goes on gets this replica. */
  async at<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    this.door.leadTo(this.replica(name).url);
    try {
      return await work();
    } finally {
      this.openBoth();
    }
  }

  /** Somebody opens Talk, on a replica. */
  async page(who: Attendee, at: string, options: TalkWebClientOptions & Visit = {}): Promise<TalkWebClient> {
    return this.open(who.displayName, at, this.php.visit(who, options), options);
  }

  async open(name: string, at: string, site: TalkSite, options: TalkWebClientOptions = {}): Promise<TalkWebClient> {
    const page = new TalkWebClient(name, site, options);
    this.pages.push(page);
    await this.at(at, () => page.open());
    return page;
  }

  async recorder(at: string): Promise<TalkWebClient> {
    const page: TalkWebClient = new TalkWebClient(
      'recorder',
      this.php.recorder((type, body) => page.send(type, body)),
    );
    this.pages.push(page);
    await this.at(at, () => page.open());
    return page;
  }

  async bridge(token: string, at: string): Promise<TalkBridge> {
    const features = ['start-dialout', 'internal-incall'];
    const [talk] = this.talks;
    if (talk === undefined) throw new Error('there is no Nextcloud');
    return new TalkBridge(await talk.service(this.replica(at), 'SIP bridge', { features }), token);
  }

  /** A laptop is closed for longer than its session is kept; no test can wait that long. */
  async sleepTooLong(page: TalkWebClient): Promise<void> {
    const id = brandAs<SessionId>(page.id);
    await page.closeLid();
    const [replica] = this.replicas.values();
    await eventually(
      async () => (await replica?.live.sessions.find(id))?.attached === false,
      `the session of ${page.name} to wait for its client`,
    );
    await replica?.live.sessions.end(id, 'expired');
  }

  /** What went wrong in a page, by whose it is. */
  get failures(): object {
    const failed = this.pages.filter(({ failures }) => failures.length > 0);
    return Object.fromEntries(failed.map(({ name, failures }) => [name, failures]));
  }

  /** Waits until an administrator reads of nobody and nothing on each replica. */
  async becomesEmpty(): Promise<void> {
    const stats = () => Promise.all([...this.replicas.values()].map(async ({ url }) => textAt(`${url}/api/v1/stats`)));
    await eventually(
      async () => (await stats()).every((text) => text.trim() === '{"rooms":0,"sessions":0}'),
      async () => `empty replicas, not ${(await stats()).join(' and ')}`,
    );
  }

  /**
   * Waits until Nextcloud was told of these comings and goings of its people, and of no others: by name, `+token -token`
   * for each session of theirs.
   */
  async nextcloudHears(expected: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const wanted = sorted(expected);
    await eventually(
      () => sorted(this.heardOf()) === wanted,
      () => `${wanted}, not ${sorted(this.heardOf())}`,
    );
  }

  private heardOf(): Record<string, string[]> {
    const told: Record<string, string[]> = {};
    for (const { id, attendee } of this.php.sessions) {
      const moves = this.php.cloud.roomActions(id).map((action) => action.replace('join ', '+').replace('leave ', '-'));
      (told[attendee.displayName] ??= []).push(moves.join(' '));
    }
    return told;
  }

  private openBoth(): void {
    this.door.leadTo(...[...this.replicas.values()].map(({ url }) => url));
  }
}

async function textAt(url: string): Promise<string> {
  return (await fetch(url)).text();
}

function sorted(record: object): string {
  return JSON.stringify(Object.entries(record).sort());
}
