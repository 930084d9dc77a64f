import { createHash, createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { loadEnv } from '@parley/config';
import { brandAs, type RegionId } from '@parley/domain';
import { BOOTSTRAP, createAdminStore, createDatabase, createDirectory, seedDemo } from '@parley/persistence';
import { startPostgres, startRedis, type TestRedis } from '@parley/testing';
import { apiConfigSchema } from '../src/config';
import { type RunningApi, startApi } from '../src/start-api';

export const ADMIN_KEY = 'bootstrap-key-of-the-tests-0123456789';
export const DOMAIN = 'demo.example';
const REGION = { id: brandAs<RegionId>('eu-1'), number: 1 };
const MASTER_KEYS = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

export interface Credentials {
  readonly authId: string;
  readonly secret: string;
}

export interface Envelope {
  readonly isError: boolean;
  readonly errMsg: string | null;
  readonly data: unknown;
}

/** An api with a database and a Redis of its own. */
export interface TestApi extends RunningApi {
  readonly redis: TestRedis;
  readonly databaseUrl: string;
  /** The demo account, which may use legacy keys. */
  readonly demo: Credentials;
  /** An account that has to sign, with the domain `other.example`. */
  readonly other: Credentials;
  /** What its tickets are signed with, as in its configuration. */
  readonly ticketKey: string;
  readonly logs: () => string;
  /** Another replica on the same database and Redis. */
  another(env?: Record<string, string>): Promise<RunningApi>;
}

/** Starts PostgreSQL, Redis and the api; `env` changes its configuration. */
export async function startTestApi(env: Record<string, string> = {}): Promise<TestApi> {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const databaseUrl = await postgres.createDatabase();
  const demo = { authId: 'demo', secret: 'demo-secret' };
  const seed = { databaseUrl, directoryUrl: databaseUrl, region: REGION, masterKeys: MASTER_KEYS, adminKey: ADMIN_KEY };
  await seedDemo({ ...seed, demo: { ...demo, domain: DOMAIN, webhookKey: 'demo-webhook-key' } });
  const other = await addOther(databaseUrl);
  const lines: string[] = [];
  const logTo = new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(chunk.toString()), done()) });
  const ticketKey = generateKeyPairSync('ed25519')
    .privateKey.export({ format: 'der', type: 'pkcs8' })
    .toString('base64');
  const launch = (more: Record<string, string>) =>
    startApi(
      loadEnv(apiConfigSchema, {
        NODE_ENV: 'test',
        PORT: '0',
        ADMIN_PORT: '0',
        PARLEY_REGION: REGION.id,
        PARLEY_REGION_NUMBER: String(REGION.number),
        DATABASE_URL: databaseUrl,
        REDIS_URL: redis.url,
        PARLEY_MASTER_KEYS: MASTER_KEYS,
        PARLEY_INTERNAL_SECRET: 'internal-secret-of-the-tests-0123456789',
        PARLEY_ADMIN_BOOTSTRAP_KEY: ADMIN_KEY,
        PARLEY_TICKET_PRIVATE_KEY: ticketKey,
        PUBLIC_URL: 'http://parley.example',
        SIGNALING_PUBLIC_URL: 'ws://parley.example',
        ICE_SERVERS: '[{"urls":"stun:stun.example"}]',
        ...env,
        ...more,
      }),
      { ownsProcess: false, logTo },
    );
  const api = await launch({});
  const replicas = new Set<RunningApi>();
  return {
    ...api,
    redis,
    databaseUrl,
    demo,
    other,
    ticketKey,
    logs: () => lines.join(''),
    another: async (more = {}) => {
      const replica = await launch(more);
      replicas.add(replica);
      return { ...replica, close: () => (replicas.delete(replica) ? replica.close() : Promise.resolve()) };
    },
    close: async () => {
      // A test that failed has not ended its replicas, and nothing is to wait for them for ever.
      await Promise.all([api, ...replicas].map((each) => each.close()));
      await Promise.all([postgres.close(), redis.close()]);
    },
  };
}

async function addOther(url: string): Promise<Credentials> {
  const database = createDatabase({ url, masterKeys: MASTER_KEYS, region: REGION, poolSize: 2 });
  const directory = createDirectory({ url, poolSize: 2 });
  const admin = createAdminStore(database, directory, { now: () => new Date() });
  const { authId, secret } = await admin.accounts.create(BOOTSTRAP, { slug: 'other', authId: 'other' });
  await admin.domains.create(BOOTSTRAP, { name: 'other.example', account: 'other' });
  await Promise.all([database.close(), directory.close()]);
  return { authId, secret };
}

/** Headers of the original scheme, made here and not with the code under test. */
export function legacyHeaders({ authId, secret }: Credentials, random = newRandom()): Record<string, string> {
  const key = createHmac('sha256', secret).update(random).digest('hex');
  return { 'x-api-version': '2', 'x-auth-id': authId, 'x-random': random, 'x-auth-key': key };
}

/** Headers of a signed request. */
export function signedHeaders(credentials: Credentials, path: string, body: string, at = Date.now(), method = 'POST') {
  const random = newRandom();
  const timestamp = String(Math.floor(at / 1000));
  const text = [method, path, timestamp, random, createHash('sha256').update(body).digest('hex')].join('\n');
  return {
    'x-api-version': '2',
    'x-auth-id': credentials.authId,
    'x-random': random,
    'x-timestamp': timestamp,
    'x-signature': createHmac('sha256', credentials.secret).update(text).digest('hex'),
  };
}

export function newRandom(): string {
  return randomBytes(32).toString('hex');
}

/** A back end of an account: signs, sends, and answers status and envelope. */
export function backEnd(url: string, credentials: Credentials) {
  return async (call: string, data?: unknown): Promise<{ status: number; headers: Headers } & Envelope> => {
    const [collection = '', method = ''] = call.split('/');
    const body = JSON.stringify({ method, data });
    const path = `/api/${collection}`;
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: signedHeaders(credentials, path, body),
      body,
    });
    return { status: response.status, headers: response.headers, ...((await response.json()) as Envelope) };
  };
}

/** The api's database, as another service sees it. To be closed by the caller. */
export function openTestDatabase(api: TestApi) {
  return createDatabase({ url: api.databaseUrl, masterKeys: MASTER_KEYS, region: REGION, poolSize: 2 });
}
