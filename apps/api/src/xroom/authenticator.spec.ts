import { createHmac } from 'node:crypto';
import { brandAs, type Account, type AccountId, type ReplicaId } from '@parley/domain';
import { createMemoryLive, MemoryLiveHub, type Live } from '@parley/live';
import { XroomAuthenticator } from './authenticator';

const account: Account = {
  id: brandAs<AccountId>('acc_1'),
  slug: 'acme',
  authId: 'acme',
  secret: 'the secret',
  legacyKeys: true,
};
const LIMIT = 3;
const [here, elsewhere] = ['203.0.113.1', '203.0.113.2'];
let serial = 0;
const opened: Live[] = [];
afterEach(() => Promise.all(opened.splice(0).map((live) => live.close())));

function request(secret: string, random = `${'r'.repeat(250)}${(serial += 1)}`) {
  const key = createHmac('sha256', secret).update(random).digest('hex');
  const headers = { 'x-api-version': '2', 'x-auth-id': 'acme', 'x-random': random, 'x-auth-key': key };
  return { method: 'POST', path: '/api/room', headers, body: Buffer.alloc(0) };
}

function setUp() {
  // It stands still: a minute is to be waited from the last call on.
  const at = new Date();
  const hub = new MemoryLiveHub({ now: () => at });
  const live = createMemoryLive({ replica: brandAs<ReplicaId>('api-1'), hub });
  opened.push(live);
  const lookups: string[] = [];
  const tenancy = { accountByAuthId: async (authId: string) => (lookups.push(authId), account) };
  const limits = { callsPerMinute: 1_000, rememberedNonces: 1_000, failuresPerMinute: LIMIT };
  const authenticator = new XroomAuthenticator(tenancy, live.guards, { now: () => at }, limits);
  return { authenticator, lookups, hub };
}

describe('calls from one address', () => {
  it('with wrong keys are soon refused before anything is looked up, with the time to wait', async () => {
    const { authenticator, lookups } = setUp();
    for (let n = 0; n < LIMIT; n += 1) {
      expect(await authenticator.authenticate(request('wrong'), here)).toMatchObject({ refusal: { status: 401 } });
    }
    const refused = authenticator.authenticate(request('wrong'), here);
    await expect(refused).rejects.toMatchObject({ code: 'rate_limited' });
    await expect(refused).rejects.toMatchObject({ details: { retryAfterSeconds: 60 } });
    expect(lookups).toHaveLength(LIMIT);
    expect(await authenticator.authenticate(request(account.secret), elsewhere)).toEqual({ account: account.id });
  });

  it('with right keys count for nothing, however many', async () => {
    const { authenticator } = setUp();
    for (let n = 0; n < 5 * LIMIT; n += 1) {
      expect(await authenticator.authenticate(request(account.secret), here)).toEqual({ account: account.id });
    }
  });
});

it('an x-random is remembered as a short digest, and told from one that differs in its last character', async () => {
  const { authenticator, hub } = setUp();
  const random = 'x'.repeat(255);
  const use = (last: string) => authenticator.authenticate(request(account.secret, `${random}${last}`), here);
  expect(await use('1')).toEqual({ account: account.id });
  expect(await use('2')).toEqual({ account: account.id });
  await expect(use('1')).rejects.toMatchObject({ code: 'replayed_request' });
  const remembered = [...(hub.seen.get('nonce:acme')?.keys() ?? [])];
  expect(remembered.map((value) => value.length)).toEqual([22, 22]);
});
