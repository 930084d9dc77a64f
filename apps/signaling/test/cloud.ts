import { createHmac, randomBytes } from 'node:crypto';
import type { JsonObject } from '@parley/domain';
import { createDirectory, createAdminStore, type NewBackend } from '@parley/persistence';
import { createRedis, ringBackendBell } from '@parley/server-kit';
import type { ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import type { FakeNextcloud } from './fake-nextcloud';
import { DOMAIN, type TestRegion } from './gateway';

const PLAIN = {
  domain: DOMAIN,
  sessionLimit: null,
  maxStreamBitrate: null,
  maxScreenBitrate: null,
  foreignEntry: false,
  allowPrivate: ['127.0.0.0/8', '::1/128'],
};

/** The shared secret of every backend in these tests. */
export const SECRET = 'shared with the cloud';

/** Adds and removes backends as the operator's REST does. */
export class Operator {
  private readonly redis;
  private readonly directory;
  private readonly admin;

  constructor(region: TestRegion) {
    this.redis = createRedis(region.redis.url, 'commands');
    this.directory = createDirectory({ url: region.databaseUrl, poolSize: 1 });
    this.admin = createAdminStore(region.database, this.directory, { now: () => new Date() });
  }

  async add(id: string, urls: readonly string[], more: Partial<NewBackend> = {}): Promise<void> {
    await this.admin.backends.create('test', { ...PLAIN, id, urls, secret: SECRET, ...more });
    await ringBackendBell(this.redis);
  }

  async remove(id: string): Promise<void> {
    await this.admin.backends.delete('test', id);
    await ringBackendBell(this.redis);
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.directory.close();
  }
}

/** A user (or, without a name, a guest) of a Nextcloud that has said hello. */
export async function talkUser(
  region: TestRegion,
  replica: RunningSignaling,
  cloud: Pick<FakeNextcloud, 'url'>,
  userid?: string,
): Promise<ScriptedSignalingClient> {
  const client = await region.connect(replica, userid ?? 'guest');
  await client.helloV1({ url: cloud.url, params: { ticket: 'good', ...(userid === undefined ? {} : { userid }) } });
  return client;
}

/** Tells a replica something about a room, as Talk does. Answers the status. */
export async function tell(
  replica: RunningSignaling,
  cloud: Pick<FakeNextcloud, 'url'>,
  token: string,
  request: JsonObject,
): Promise<number> {
  const random = randomBytes(32).toString('hex');
  const body = JSON.stringify(request);
  const answer = await fetch(`${replica.url}/api/v1/room/${token}`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'spreed-signaling-random': random,
      'spreed-signaling-checksum': createHmac('sha256', SECRET).update(random).update(body).digest('hex'),
      'spreed-signaling-backend': cloud.url,
    },
  });
  return answer.status;
}
