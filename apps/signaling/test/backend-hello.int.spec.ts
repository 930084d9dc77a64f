import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import { SignJWT } from 'jose';
import type { RunningSignaling } from '../src/app';
import { Operator, talkUser } from './cloud';
import { FakeNextcloud } from './fake-nextcloud';
import { TestRegion } from './gateway';

const SECRET = 'shared with the cloud';
const USER = { displayname: 'Ada' };
let region: TestRegion;
let one: RunningSignaling;
let two: RunningSignaling;
let operator: Operator;
const clouds: FakeNextcloud[] = [];

beforeAll(async () => {
  region = await TestRegion.start();
  operator = new Operator(region);
  one = await region.replica();
  two = await region.replica();
});
afterEach(() => region?.sendEverybodyHome());
afterAll(async () => {
  await operator?.close();
  await region?.close();
  await Promise.all(clouds.map((cloud) => cloud.close()));
});

/** A new Nextcloud, registered. */
async function newCloud(id: string, more: Parameters<Operator['add']>[2] = {}): Promise<FakeNextcloud> {
  const cloud = await FakeNextcloud.start(`shared with ${id} alone`);
  clouds.push(cloud);
  await operator.add(id, [cloud.url], { secret: cloud.secret, ...more });
  return cloud;
}

interface Claims {
  readonly iat?: number | undefined;
  readonly nbf?: number;
  readonly exp?: number | undefined;
}

/** A token as Nextcloud makes it; times in seconds from now, undefined: left out. */
async function token(key: KeyObject, alg: string, claims: Claims = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const { iat, exp, nbf } = { iat: 0, exp: 60, ...claims };
  const at = (seconds: number | undefined) => (seconds === undefined ? undefined : now + seconds);
  const jwt = new SignJWT({ userdata: USER, sub: 'ada', iat: at(iat), exp: at(exp), nbf: at(nbf) });
  return jwt.setProtectedHeader({ alg }).sign(key);
}

async function hello(
  cloud: Pick<FakeNextcloud, 'url'>,
  ticket: string,
  replica = one,
): Promise<ScriptedSignalingClient> {
  const client = await region.connect(replica, 'Ada');
  await client.hello({ authUrl: cloud.url, ticket });
  return client;
}

describe('hello 2.0 with a token of a backend', () => {
  const ed = generateKeyPairSync('ed25519');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
  const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString();
  const raw = Buffer.from(ed.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
  const [p256, p384, p521] = [ec('P-256'), ec('P-384'), ec('P-521')];

  test.each([
    ['RS256', rsa.privateKey, pem(rsa.publicKey)],
    ['RS384', rsa.privateKey, pem(rsa.publicKey)],
    ['RS512', rsa.privateKey, pem(rsa.publicKey)],
    ['ES256', p256.privateKey, pem(p256.publicKey)],
    ['ES384', p384.privateKey, pem(p384.publicKey)],
    ['ES512', p521.privateKey, pem(p521.publicKey)],
    ['EdDSA', ed.privateKey, pem(ed.publicKey)],
    ['EdDSA', ed.privateKey, raw],
  ])('%s: its subject becomes the user, its userdata what others see', async (alg, key, published) => {
    const cloud = await newCloud(`cloud-${clouds.length}`);
    cloud.capabilities.signaling['hello-v2-token-key'] = published;
    const ada = await hello(cloud, await token(key, alg));
    const bob = await hello(cloud, await token(key, alg), two);
    await ada.join('room', { sessionid: 'nc-ada' });
    await bob.join('room', { sessionid: 'nc-bob' });
    const joined = (await bob.expectJoined(ada.sessionId)).event as { join: object[] };
    expect(joined.join[0]).toMatchObject({ userid: 'ada', user: USER });
  });

  describe('is refused', () => {
    let cloud: FakeNextcloud;
    beforeAll(async () => {
      cloud = await newCloud('strict');
      cloud.capabilities.signaling['hello-v2-token-key'] = raw;
    });

    test.each<[string, Claims, string | undefined]>([
      ['issued 30 s ahead: clocks differ', { iat: 30, exp: 90 }, undefined],
      ['expired 30 s ago', { iat: -90, exp: -30 }, undefined],
      ['issued 2 minutes ahead', { iat: 120, exp: 180 }, 'token_not_valid_yet'],
      ['not before 2 minutes from now', { nbf: 120, exp: 180 }, 'token_not_valid_yet'],
      ['without a time of issue', { iat: undefined }, 'token_not_valid_yet'],
      ['expired 2 minutes ago', { iat: -180, exp: -120 }, 'token_expired'],
      ['without an end', { exp: undefined }, 'token_expired'],
      ['ended before it began', { iat: 0, exp: -10 }, 'token_expired'],
    ])('or not: %s', async (_, claims, code) => {
      const attempt = hello(cloud, await token(ed.privateKey, 'EdDSA', claims));
      if (code === undefined) await attempt;
      else await expect(attempt).rejects.toThrow(new RegExp(code));
    });

    test("when it is another key's, or nonsense, and another hello may follow", async () => {
      const other = generateKeyPairSync('ed25519').privateKey;
      const client = await region.connect(one, 'Eve');
      for (const ticket of [await token(other, 'EdDSA'), 'nonsense', `${await token(ed.privateKey, 'EdDSA')}x`]) {
        await expect(client.hello({ authUrl: cloud.url, ticket })).rejects.toThrow(/invalid_token/);
      }
      await client.hello({ authUrl: cloud.url, ticket: await token(ed.privateKey, 'EdDSA') });
    });

    test('when the backend is not known', async () => {
      const client = await region.connect(one, 'Eve');
      const ticket = await token(ed.privateKey, 'EdDSA');
      await expect(client.hello({ authUrl: 'https://unknown.test/', ticket })).rejects.toThrow(/invalid_backend/);
    });
  });

  test('works right after the backend learnt it, although its capabilities are remembered', async () => {
    const cloud = await newCloud('upgraded');
    await talkUser(region, one, cloud, 'bob');
    expect(cloud.capabilityPaths).toHaveLength(1);
    cloud.capabilities.signaling['hello-v2-token-key'] = raw;
    await hello(cloud, await token(ed.privateKey, 'EdDSA'));
    expect(cloud.capabilityPaths).toHaveLength(2);
  });
});

describe('where a backend is asked', () => {
  test('version 3 of its API when it has it, in any folder, and only the controller', async () => {
    const cloud = await newCloud('folders');
    const urls: [string, string][] = [
      [cloud.url, '/ocs/v2.php/apps/spreed/api/v3/signaling/backend'],
      [
        `${cloud.url}nc/ocs/v2.php/apps/spreed/api/v1/signaling/backend`,
        '/nc/ocs/v2.php/apps/spreed/api/v3/signaling/backend',
      ],
      [
        `${cloud.url}nc/index.php/ocs/v2.php/apps/spreed/api/v1/signaling/backend`,
        '/nc/index.php/ocs/v2.php/apps/spreed/api/v3/signaling/backend',
      ],
    ];
    for (const [url, path] of urls) {
      await talkUser(region, one, { url }, 'ada');
      expect(cloud.paths.at(-1)).toBe(path);
    }
    const old = await newCloud('old');
    old.capabilities.features = [];
    await talkUser(region, one, old, 'ada');
    expect(old.paths.at(-1)).toBe('/ocs/v2.php/apps/spreed/api/v1/signaling/backend');
  });

  test('who names another place on that host is refused, and nothing there is asked', async () => {
    const cloud = await newCloud('places');
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    // What an attacker could have uploaded: capabilities with a key of theirs.
    cloud.capabilities.signaling['hello-v2-token-key'] = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const controller = 'ocs/v2.php/apps/spreed/api/v3/signaling/backend';
    for (const path of [
      'uploads/evil/',
      `public.php/dav/files/share/${controller}`,
      `ocs/v2.php/apps/spreed/evil/${controller}`,
      `evil${controller}`,
      `${controller}/more`,
    ]) {
      const url = `${cloud.url}${path}`;
      await expect(talkUser(region, one, { url }, 'ada')).rejects.toThrow(/invalid_backend/);
      await expect(hello({ url }, await token(privateKey, 'EdDSA'))).rejects.toThrow(/invalid_backend/);
      const guest = await region.connect(one, 'guest');
      guest.send({
        id: 'f',
        type: 'hello',
        hello: { version: '2.0', auth: { type: 'federation', url, params: { token: 'any' } } },
      });
      expect((await guest.expect('error')).error).toMatchObject({ code: 'invalid_backend' });
    }
    expect([...cloud.paths, ...cloud.capabilityPaths]).toEqual([]);
  });
});

describe('backends come and go while the gateway runs', () => {
  test('on all replicas within a second', async () => {
    const cloud = await FakeNextcloud.start(SECRET);
    clouds.push(cloud);
    for (const replica of [one, two])
      await expect(talkUser(region, replica, cloud, 'ada')).rejects.toThrow(/invalid_backend/);
    await operator.add('new', [cloud.url]);
    const soon = async (what: string, check: () => Promise<unknown>) => {
      await eventually(() => check().then(() => true), what, 1_000);
    };
    for (const replica of [one, two]) await soon('the new backend', () => talkUser(region, replica, cloud, 'ada'));
    const inside = await talkUser(region, one, cloud, 'bob');
    await operator.remove('new');
    for (const replica of [one, two]) {
      await soon('the end of the backend', () =>
        expect(talkUser(region, replica, cloud, 'ada')).rejects.toThrow(/invalid_backend/),
      );
    }
    await expect(inside.join('room')).rejects.toThrow(/invalid_backend/);
    await operator.add('new', [cloud.url]);
    await soon('the backend again', () => talkUser(region, two, cloud, 'ada'));
  });
});

describe('a limit of sessions', () => {
  test('holds across replicas; the connection may go elsewhere; a bye makes room, a lost connection does not', async () => {
    const small = await newCloud('small', { sessionLimit: 2 });
    const wide = await newCloud('wide');
    const first = await talkUser(region, one, small, 'first');
    const second = await talkUser(region, two, small, 'second');
    for (const replica of [one, two]) {
      await expect(talkUser(region, replica, small, 'third')).rejects.toThrow(/session_limit_exceeded/);
    }
    const third = await region.connect(two, 'third');
    const params = { ticket: 'good', userid: 'third' };
    await expect(third.helloV1({ url: small.url, params })).rejects.toThrow(/session_limit_exceeded/);
    await third.helloV1({ url: wide.url, params });
    second.drop();
    await second.expectClosed();
    await expect(talkUser(region, one, small, 'fourth')).rejects.toThrow(/session_limit_exceeded/);
    await first.bye();
    await talkUser(region, two, small, 'fifth');
  });

  test('is never exceeded by many that come at once', async () => {
    const small = await newCloud('rush', { sessionLimit: 3 });
    const tries = Array.from({ length: 12 }, (_, index) => talkUser(region, index % 2 ? one : two, small, `u${index}`));
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  test('does not count internal clients', async () => {
    const internalSecret = 'secret of its recorder';
    const small = await newCloud('recorded', { sessionLimit: 1, internalSecret });
    await talkUser(region, one, small, 'ada');
    const recorder = await region.connect(two, 'recorder');
    const answer = await recorder.helloInternal({ secret: internalSecret, backend: small.url });
    expect(answer.hello).toMatchObject({ userid: '', sessionid: expect.any(String) as unknown });
  });
});

describe('internal clients', () => {
  test('prove themselves to the backend they name', async () => {
    const mine = await newCloud('mine', { internalSecret: 'internal secret of mine' });
    const yours = await newCloud('yours', { internalSecret: 'internal secret of yours' });
    const none = await newCloud('none');
    const tries: [string, FakeNextcloud, RegExp | undefined][] = [
      ['internal secret of mine', mine, undefined],
      ['internal secret of mine', yours, /invalid_token/],
      ['internal secret of mine', none, /invalid_client_type/],
    ];
    for (const [secret, cloud, error] of tries) {
      const client = await region.connect(one, 'internal');
      const attempt = client.helloInternal({ secret, backend: cloud.url });
      if (error === undefined) await attempt;
      else await expect(attempt).rejects.toThrow(error);
    }
  });
});
