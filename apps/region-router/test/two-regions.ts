import {
  brandAs,
  type Directory,
  type DomainName,
  type RegionDirectory,
  type RegionEntry,
  type RegionId,
} from '@parley/domain';
import { InternalAuth, type RunningService } from '@parley/server-kit';
import { freePort } from '@parley/testing';
import { readConfig } from '../src/config';
import { startRouter, type RouterOptions } from '../src/router';
import { FakeService, type Seen, withEcho } from './fake-services';

/** The internal secret, unless a test gives regions others. */
export const SECRET = 's'.repeat(32);

export interface KnownHome {
  readonly region: string;
  readonly strict?: boolean;
  readonly epoch?: number;
}

/** A directory that tests fill; it can be down. */
export class FakeDirectory implements Directory, RegionDirectory {
  readonly domains = new Map<string, KnownHome>();
  entries: RegionEntry[] = [];
  /** What was asked, e.g. `domain a.example`. */
  readonly asked: string[] = [];
  readonly hosts = new Map<string, string>();
  readonly accounts = new Map<string, string[]>();
  down = false;

  async domain(name: DomainName) {
    this.asked.push(`domain ${name}`);
    this.check();
    const home = this.domains.get(name);
    if (home === undefined) return null;
    return { region: brandAs<RegionId>(home.region), epoch: home.epoch ?? 1, strictResidency: home.strict ?? false };
  }

  async host(host: string) {
    this.check();
    const name = this.hosts.get(host);
    return name === undefined ? null : brandAs<DomainName>(name);
  }

  async regionsOf(authId: string) {
    this.check();
    return (this.accounts.get(authId) ?? []).map((id) => brandAs<RegionId>(id));
  }

  async movedId() {
    this.check();
    return null;
  }

  async strictRegions() {
    this.check();
    const strict = [...this.domains.values()].filter((home) => home.strict === true);
    return [...new Set(strict.map(({ region }) => brandAs<RegionId>(region)))];
  }

  async regions() {
    this.check();
    return this.entries;
  }

  async close() {
    // Nothing is open.
  }

  private check() {
    if (this.down) throw new Error('the directory is down');
  }
}

/** One region: a router before two fake api and two fake signaling replicas. */
export interface TestRegion {
  readonly id: string;
  readonly port: number;
  readonly url: string;
  readonly directory: FakeDirectory;
  readonly api: readonly [FakeService, FakeService];
  readonly signaling: readonly [FakeService, FakeService];
  readonly router: RunningService;
  readonly log: readonly string[];
}

export interface TwoRegions {
  readonly eu: TestRegion;
  readonly us: TestRegion;
  /** Both directories know it. */
  know(domain: string, home: KnownHome): void;
  close(): Promise<void>;
}

type Tuning = Pick<RouterOptions, 'times'> & {
  /** How far each region's clock is ahead. */
  readonly skewMs?: Readonly<Record<string, number>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly drainMs?: number;
  readonly trustedProxies?: string;
};

/** Starts two regions in this process, each with its own view of the directory. */
export async function startTwoRegions(tuning: Tuning = {}): Promise<TwoRegions> {
  const ports: Record<string, number> = { 'eu-1': await freePort(), 'us-1': await freePort() };
  const eu = await startRegion('eu-1', ports, tuning);
  const us = await startRegion('us-1', ports, tuning);
  return {
    eu,
    us,
    know: (domain, home) => {
      for (const { directory } of [eu, us]) directory.domains.set(domain, home);
    },
    close: async () => {
      for (const region of [eu, us]) {
        await region.router.close();
        for (const service of [...region.api, ...region.signaling]) if (service.server.listening) await service.kill();
      }
    },
  };
}

async function startRegion(id: string, ports: Readonly<Record<string, number>>, tuning: Tuning): Promise<TestRegion> {
  // On ports that nobody else is given when they die.
  const service = async (name: string) => FakeService.start(name, await freePort());
  const api = [await service(`${id}-api-1`), await service(`${id}-api-2`)] as const;
  const signaling = [await service(`${id}.gw-1`), await service(`${id}.gw-2`)] as const;
  signaling.forEach(withEcho);
  const directory = new FakeDirectory();
  const table = Object.entries(ports).map(([name, port], index) => ({
    id: name,
    number: index + 1,
    url: `http://127.0.0.1:${port}`,
    apiUrls: name === id ? api.map(({ url }) => url) : [],
    signalingUrls: name === id ? signaling.map(({ url }) => url) : [],
  }));
  const own = table.find((row) => row.id === id);
  const config = readConfig({
    PARLEY_REGION: id,
    PARLEY_REGION_NUMBER: String(own?.number),
    PUBLIC_URL: own?.url,
    PORT: String(ports[id]),
    LOG_LEVEL: 'debug',
    DATABASE_URL: 'postgresql://unused/db',
    PARLEY_INTERNAL_SECRET: tuning.secrets?.[id] ?? SECRET,
    PARLEY_REGIONS: JSON.stringify(table),
    TRUSTED_PROXIES: tuning.trustedProxies,
    ROUTER_DRAIN_MS: String(tuning.drainMs ?? 0),
  });
  const log: string[] = [];
  const logTo = { write: (line: string) => void log.push(line) };
  // Nobody is taken for dead because this process had something else to do: those that die refuse at once.
  const times = {
    replicas: { probeEveryMs: 50, probeTimeoutMs: 10_000 },
    regionsMs: 50,
    regionProbeMs: 10_000,
    socketConnectMs: 10_000,
    ...tuning.times,
  };
  const now = () => new Date(Date.now() + (tuning.skewMs?.[id] ?? 0));
  const router = await startRouter({ config, directory, times, now, logTo, ownsProcess: false });
  return { id, port: router.port, url: router.url, directory, api, signaling, router, log };
}

/** Everything the services behind a region's router were asked, in the order in which it came. */
export const seenBy = (region: TestRegion) =>
  [...region.api, ...region.signaling].flatMap(({ seen }) => seen).sort((one, other) => one.at - other.at);

/** What a router signed for a service about a request; undefined when it signed nothing. */
export function saidTo(seen: Seen | undefined, secret = SECRET) {
  const header = seen?.headers['x-parley-internal'];
  if (seen === undefined || typeof header !== 'string') return undefined;
  const auth = new InternalAuth(secret);
  // At the moment it was signed: regions' clocks differ in some tests.
  const at = new Date(Number(header.split(' ')[1]));
  const told = auth.verify(header, { method: seen.method, path: seen.target }, at);
  return told.ok ? told.value : undefined;
}

/** Sends an xroom call. */
export async function call(
  region: TestRegion,
  body: object | string,
  headers: Record<string, string> = {},
  collection = 'room',
) {
  const answer = await fetch(`${region.url}/api/${collection}`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Envelope };
}

export interface Envelope {
  readonly isError: boolean;
  readonly errMsg: string | null;
  readonly data: Record<string, unknown> | null;
}
