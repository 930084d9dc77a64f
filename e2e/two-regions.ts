import { queryDatabase } from '@parley/testing';
import { Redis } from 'ioredis';
import type { Account } from './door';
import { untilServed } from './standstills';
import { startParleyIn, type RunningParley, type RunningRegion } from './running-parley';

/** What the operator's REST answers. */
export interface AdminAnswer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

/** One of two regions that run as processes on this machine. */
export class Region {
  constructor(
    readonly run: RunningRegion,
    private readonly adminKey: string,
    private readonly parley: RunningParley,
  ) {}

  get id(): string {
    return this.run.id;
  }

  /** Base URL of its front door. */
  get door(): string {
    return this.run.url;
  }

  /** @throws when it refuses; asks again what is answered 503, as when another region does not hear within 3 s */
  async admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const { status, text } = await untilServed(async () => {
      const response = await fetch(`${this.run.adminUrl}/v1/admin/${path}`, {
        method,
        headers: { authorization: `Bearer ${this.adminKey}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    });
    if (status >= 300) throw new Error(`${method} ${path} of ${this.id} was refused: ${status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  }

  /** How its front door sees the regions, in the order of their names: `eu-1 up`. */
  async seen(): Promise<readonly string[]> {
    const regions = (await (await fetch(`${this.door}/v1/regions`)).json()) as { id: string; status: string }[];
    return regions.map(({ id, status }) => `${id} ${status}`).sort();
  }

  /** Ends its processes of these services without a word, as a dying machine does; those that are dead already stay so. */
  async kill(...services: readonly string[]): Promise<void> {
    const { regions, pids } = await this.parley.reread();
    const index = regions.findIndex(({ id }) => id === this.id);
    for (const service of services) {
      // As many processes of a service per region, region by region.
      const all = pids[service] ?? [];
      const perRegion = all.length / regions.length;
      for (const pid of all.slice(index * perRegion, (index + 1) * perRegion)) killed(pid);
    }
  }

  /** Tables of its database in which a text stands, wherever. */
  async tablesWith(text: string): Promise<readonly string[]> {
    const tables = await queryDatabase<{ name: string }>(
      this.run.postgresUrl,
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
    );
    const each = tables.map(
      ({ name }) =>
        `SELECT '${name}' AS name WHERE EXISTS (SELECT 1 FROM "${name}" AS t WHERE strpos(t::text, $1) > 0)`,
    );
    const found = await queryDatabase<{ name: string }>(this.run.postgresUrl, each.join(' UNION ALL '), [text]);
    return found.map(({ name }) => name).sort();
  }

  /** Keys of its Redis in which a text stands. */
  async redisKeysWith(text: string): Promise<readonly string[]> {
    const redis = new Redis(this.run.redisUrl);
    try {
      return (await redis.keys('*')).filter((key) => key.includes(text));
    } finally {
      redis.disconnect();
    }
  }
}

/** Every service of a region. */
export const SERVICES = ['region-router', 'api', 'signaling', 'webhooks'] as const;

/** `npm start -- --regions eu-1,us-1`: two databases, two Redis, one directory. The demo account is made in eu-1. */
export interface TwoRegions {
  readonly parley: RunningParley;
  readonly eu: Region;
  readonly us: Region;
  /** Uses the original key. Its `demo.localhost` is at home in eu-1, and `overseas.localhost` in us-1. */
  readonly demo: Account;
  close(): Promise<void>;
}

export const AT_HOME = 'demo.localhost';
export const OVERSEAS = 'overseas.localhost';

export async function startTwoRegions(env: Readonly<Record<string, string>> = {}): Promise<TwoRegions> {
  const parley = await startParleyIn(env, '--regions', 'eu-1,us-1', '--gateways', '1');
  try {
    return await furnish(parley);
  } catch (error) {
    // Nobody else could.
    await parley.stop();
    throw error;
  }
}

async function furnish(parley: RunningParley): Promise<TwoRegions> {
  const { regions, adminKey, account } = parley.run;
  const [eu, us] = regions.map((region) => new Region(region, adminKey, parley));
  if (eu === undefined || us === undefined) throw new Error('two regions were started, and run.json has less');
  await eu.admin('POST', 'accounts/demo/regions', { region: us.id });
  await us.admin('POST', 'domains', { name: OVERSEAS, account: 'demo' });
  return { parley, eu, us, demo: { ...account, proof: 'key' }, close: () => parley.stop() };
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
