import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { brandAs, type DomainName, type RegionId } from '@parley/domain';
import { createDirectory } from '@parley/persistence';
import { freePort } from '@parley/tools/provision';
import { FOLDER, LOGS, ROOT, say } from '../report/surroundings';
import { DOMAIN, openBenchDatabase } from '../servers/bench-database';
import { findNginx, startNginx } from '../servers/nginx';
import { profiling, ServerProcess } from '../servers/server-process';

/** One way to the api, with the processes whose CPU it costs. */
export interface Way {
  readonly id: 'direct' | 'router' | 'two-routers' | 'nginx';
  readonly title: string;
  readonly url: string;
  /** Domain that calls name. */
  readonly domain: string;
  readonly pids: readonly number[];
}

/** All ways, in the order of the report. */
export interface RouterWorld {
  readonly ways: readonly Way[];
  readonly nginx: string | undefined;
  close(): Promise<void>;
}

const FAR = 'far.test';
const REGIONS = ['eu-1', 'us-1'] as const;

/** Starts an api that answers at once, a router for each of two regions and, if it can be had, nginx. */
export async function openRouterWorld(suite: string): Promise<RouterWorld> {
  mkdirSync(LOGS, { recursive: true });
  const stops: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    const database = await openBenchDatabase();
    stops.push(() => database.close());
    await addFarDomain(database.url);
    const api = await startApi();
    stops.push(() => api.server.stop());
    const ports = [await freePort(), await freePort()] as const;
    const table = REGIONS.map((id, index) => ({ id, number: index + 1, url: `http://127.0.0.1:${ports[index]}` }));
    const routers: ServerProcess[] = [];
    for (const own of table) {
      const router = await startRouter(own, table, api.url, database.url);
      stops.push(() => router.stop());
      routers.push(router);
    }
    const pids = routers.map(({ pid }) => pid);
    const front = table[0]?.url ?? '';
    const nginx = await tryNginx(suite, api.url);
    if (nginx !== undefined) stops.push(() => nginx.server.stop());
    const ways: Way[] = [
      { id: 'direct', title: 'straight to the api', url: api.url, domain: DOMAIN, pids: [] },
      { id: 'router', title: 'router of the home region', url: front, domain: DOMAIN, pids: pids.slice(0, 1) },
      { id: 'two-routers', title: 'router of another region', url: front, domain: FAR, pids },
    ];
    if (nginx !== undefined) {
      ways.push({ id: 'nginx', title: 'nginx', url: nginx.url, domain: DOMAIN, pids: [nginx.server.pid] });
    }
    return { ways, nginx: nginx?.version, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function addFarDomain(url: string): Promise<void> {
  const directory = createDirectory({ url, poolSize: 1 });
  const home = { region: brandAs<RegionId>('us-1'), epoch: 1, strictResidency: false };
  await directory.claimDomain(brandAs<DomainName>(FAR), home);
  await directory.close();
}

async function startApi() {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [join(ROOT, 'bench', 'dist', 'router', 'api-process.js'), String(port)];
  const options = { command: process.execPath, args, env: { PATH: process.env.PATH } };
  const server = await ServerProcess.start({ ...options, logFile: join(LOGS, 'router-api.log'), url });
  return { url, server };
}

interface Row {
  readonly id: string;
  readonly number: number;
  readonly url: string;
}

function startRouter(own: Row, table: readonly Row[], apiUrl: string, databaseUrl: string): Promise<ServerProcess> {
  const replicas = { apiUrls: [apiUrl], signalingUrls: [apiUrl] };
  return ServerProcess.start({
    command: process.execPath,
    args: [...profiling(LOGS), join(ROOT, 'apps', 'region-router', 'dist', 'main.js')],
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      PARLEY_REGION: own.id,
      PARLEY_REGION_NUMBER: String(own.number),
      PUBLIC_URL: own.url,
      HOST: '127.0.0.1',
      PORT: new URL(own.url).port,
      DATABASE_URL: databaseUrl,
      PARLEY_INTERNAL_SECRET: 'internal-secret-of-the-bench-0123456789',
      PARLEY_REGIONS: JSON.stringify(table.map((row) => (row.id === own.id ? { ...row, ...replicas } : row))),
    },
    logFile: join(LOGS, `router-${own.id}.log`),
    url: `${own.url}/health/ready`,
  });
}

async function tryNginx(suite: string, apiUrl: string) {
  try {
    const program = await findNginx(FOLDER, suite);
    return { ...(await startNginx(program, apiUrl, LOGS)), version: program.version };
  } catch (error) {
    say(`without nginx: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
