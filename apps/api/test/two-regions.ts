import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Writable } from 'node:stream';
import { loadEnv } from '@parley/config';
import { brandAs, type RegionId } from '@parley/domain';
import { createDatabase, createDirectory, type Database, OutboxRelayStore, seedDemo } from '@parley/persistence';
import { freePort, startPostgres, startRedis } from '@parley/testing';
import { apiConfigSchema } from '../src/config';
import { type RunningApi, startApi } from '../src/start-api';
import { signedHeaders } from './running-api';

export const ADMIN_KEY = 'bootstrap-key-of-the-tests-0123456789';
export const DEMO = { authId: 'demo', secret: 'demo-secret' };
export const DOMAIN = 'demo.example';
export const INTERNAL_SECRET = 'internal-secret-of-the-tests-0123456789';

/** A region with a database and a Redis of its own. */
export interface TestRegion {
  readonly id: RegionId;
  /** Its base URL, which stays when the api is started again. */
  readonly url: string;
  readonly database: Database;
  api: RunningApi;
  /** The environment of its api. */
  readonly env: Record<string, string>;
  logs(): string;
  /** Ends the api and starts it again. */
  restart(): Promise<void>;
  /** A call of the operator's REST. */
  admin(method: string, path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }>;
}

export interface TwoRegions {
  readonly eu: TestRegion;
  readonly us: TestRegion;
  readonly directoryUrl: string;
  close(): Promise<void>;
}

/** Two real apis with databases of their own and one directory; the demo account and domain are at home in eu-1. */
export async function startTwoRegions(): Promise<TwoRegions> {
  const postgres = await startPostgres();
  const directoryUrl = await postgres.createDatabase();
  const ticketKey = generateKeyPairSync('ed25519')
    .privateKey.export({ format: 'der', type: 'pkcs8' })
    .toString('base64');
  const closers: (() => Promise<void>)[] = [];
  const start = async (name: string, number: number): Promise<TestRegion> => {
    const [redis, databaseUrl, port] = await Promise.all([startRedis(), postgres.createDatabase(), freePort()]);
    const id = brandAs<RegionId>(name);
    const masterKeys = `${name}:${Buffer.alloc(32, number).toString('base64')}`;
    const env = {
      NODE_ENV: 'test',
      PORT: String(port),
      ADMIN_PORT: '0',
      PARLEY_REGION: name,
      PARLEY_REGION_NUMBER: String(number),
      DATABASE_URL: databaseUrl,
      DIRECTORY_DATABASE_URL: directoryUrl,
      REDIS_URL: redis.url,
      PARLEY_MASTER_KEYS: masterKeys,
      PARLEY_INTERNAL_SECRET: INTERNAL_SECRET,
      PARLEY_ADMIN_BOOTSTRAP_KEY: ADMIN_KEY,
      PARLEY_TICKET_PRIVATE_KEY: ticketKey,
      PUBLIC_URL: `http://${name}.example`,
      SIGNALING_PUBLIC_URL: `ws://${name}.example`,
    };
    if (number === 1) {
      const demo = { ...DEMO, domain: DOMAIN, webhookKey: 'demo-webhook-key' };
      await seedDemo({ databaseUrl, directoryUrl, region: { id, number }, masterKeys, adminKey: ADMIN_KEY, demo });
    }
    const lines: string[] = [];
    const logTo = new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(chunk.toString()), done()) });
    const launch = () => startApi(loadEnv(apiConfigSchema, env), { ownsProcess: false, logTo });
    const database = createDatabase({ url: databaseUrl, masterKeys, region: { id, number }, poolSize: 3 });
    const region: TestRegion = {
      id,
      url: `http://127.0.0.1:${port}`,
      database,
      env,
      api: await launch(),
      logs: () => lines.join(''),
      restart: async () => {
        await region.api.close();
        region.api = await launch();
      },
      admin: (method, path, body) => adminCall(region.api.adminUrl, method, path, body),
    };
    closers.push(async () => {
      await region.api.close();
      await database.close();
      await redis.close();
    });
    return region;
  };
  const [eu, us] = [await start('eu-1', 1), await start('us-1', 2)];
  await enter(directoryUrl, [eu, us]);
  return {
    eu,
    us,
    directoryUrl,
    close: async () => {
      await Promise.all(closers.map((close) => close()));
      await postgres.close();
    },
  };
}

/** What a dispatcher does with the region's events, until it is stopped. */
export function relaying({ database }: TestRegion): { stop(): Promise<void> } {
  const relay = new OutboxRelayStore(database.prisma);
  let going = true;
  const loop = async () => {
    while (going) {
      // What a round could not do the next one does, as in the dispatcher.
      await relay.relay(100).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const ended = loop();
  return {
    stop: () => {
      going = false;
      return ended;
    },
  };
}

async function enter(directoryUrl: string, regions: readonly TestRegion[]): Promise<void> {
  const directory = createDirectory({ url: directoryUrl, poolSize: 1 });
  for (const [index, { id, url }] of regions.entries()) {
    const signalingUrl = url.replace(/^http/, 'ws');
    const place = { position: null, group: null, state: 'serving' as const };
    await directory.changes.addRegion({ id, number: index + 1, apiUrl: url, signalingUrl, ...place });
  }
  await directory.close();
}

export async function adminCall(adminUrl: string, method: string, path: string, body?: unknown) {
  const response = await fetch(`${adminUrl}/v1/admin/${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
}

/** A back end's call over plain HTTP: `fetch` itself repeats what is answered 421, as its specification wants it to. */
export async function callOnce(url: string, call: string, data: unknown): Promise<{ status: number; errMsg: unknown }> {
  const [collection = '', method = ''] = call.split('/');
  const path = `/api/${collection}`;
  const body = JSON.stringify({ method, data });
  const sent = request(`${url}${path}`, { method: 'POST', headers: signedHeaders(DEMO, path, body) });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { errMsg } = JSON.parse(Buffer.concat(chunks).toString()) as { errMsg: unknown };
  return { status: response.statusCode ?? 0, errMsg };
}
