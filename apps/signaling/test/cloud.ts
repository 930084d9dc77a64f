import { createHmac, randomBytes } from 'node:crypto';
import type { JsonObject } from '@parley/domain';
import type { ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import type { FakeNextcloud } from './fake-nextcloud';
import type { TestRegion } from './gateway';
import { Operator, SECRET } from './operator';

export { Operator, SECRET };

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
