import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { ScriptedSignalingClient } from '@parley/testing';
import { SignJWT } from 'jose';
import type { RunningSignaling } from '../src/app';
import type { TalkServer } from './backend-poster';
import { inEveryLayout } from './layouts';
import { expectWithin, takes } from './promised';
import { TalkHouse } from './talk-house';

const USER = { displayname: 'Ada' };
const house = new TalkHouse();

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

async function hello(authUrl: string, ticket: string, door = house.one): Promise<ScriptedSignalingClient> {
  const client = await house.region.connect(door, 'Ada');
  await client.hello({ authUrl, ticket });
  return client;
}

inEveryLayout(house, () => {
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
      const talk = await house.newCloud();
      talk.cloud.capabilities.signaling['hello-v2-token-key'] = published;
      const ada = await hello(talk.cloud.url, await token(key, alg));
      const bob = await hello(talk.cloud.url, await token(key, alg), house.two);
      await ada.join('room', { sessionid: 'nc-ada' });
      await bob.join('room', { sessionid: 'nc-bob' });
      const joined = (await bob.expectJoined(ada.sessionId)).event as { join: object[] };
      expect(joined.join[0]).toMatchObject({ userid: 'ada', user: USER });
    });

    describe('is refused', () => {
      let talk: TalkServer;
      beforeAll(async () => {
        talk = await house.newCloud();
        talk.cloud.capabilities.signaling['hello-v2-token-key'] = raw;
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
        const attempt = hello(talk.cloud.url, await token(ed.privateKey, 'EdDSA', claims));
        if (code === undefined) await attempt;
        else await expect(attempt).rejects.toThrow(new RegExp(code));
      });

      test("when it is another key's, or nonsense, and another hello may follow", async () => {
        const other = generateKeyPairSync('ed25519').privateKey;
        const client = await house.region.connect(house.one, 'Eve');
        for (const ticket of [await token(other, 'EdDSA'), 'nonsense', `${await token(ed.privateKey, 'EdDSA')}x`]) {
          await expect(client.hello({ authUrl: talk.cloud.url, ticket })).rejects.toThrow(/invalid_token/);
        }
        await client.hello({ authUrl: talk.cloud.url, ticket: await token(ed.privateKey, 'EdDSA') });
      });

      test('when the backend is not known', async () => {
        const client = await house.region.connect(house.one, 'Eve');
        const ticket = await token(ed.privateKey, 'EdDSA');
        await expect(client.hello({ authUrl: 'https://unknown.test/', ticket })).rejects.toThrow(/invalid_backend/);
      });
    });

    test('works right after the backend learnt it, although its capabilities are remembered', async () => {
      const talk = await house.newCloud();
      await talk.user(house.one, 'bob');
      expect(talk.cloud.capabilityPaths).toHaveLength(1);
      talk.cloud.capabilities.signaling['hello-v2-token-key'] = raw;
      await hello(talk.cloud.url, await token(ed.privateKey, 'EdDSA'));
      expect(talk.cloud.capabilityPaths).toHaveLength(2);
    });
  });

  describe('where a backend is asked', () => {
    test('version 3 of its API when it has it, in any folder, and only the controller', async () => {
      const talk = await house.newCloud();
      const urls: [string, string][] = [
        [talk.cloud.url, '/ocs/v2.php/apps/spreed/api/v3/signaling/backend'],
        [
          `${talk.cloud.url}nc/ocs/v2.php/apps/spreed/api/v1/signaling/backend`,
          '/nc/ocs/v2.php/apps/spreed/api/v3/signaling/backend',
        ],
        [
          `${talk.cloud.url}nc/index.php/ocs/v2.php/apps/spreed/api/v1/signaling/backend`,
          '/nc/index.php/ocs/v2.php/apps/spreed/api/v3/signaling/backend',
        ],
      ];
      for (const [url, path] of urls) {
        await talk.user(house.one, 'ada', { url });
        expect(talk.cloud.paths.at(-1)).toBe(path);
      }
      const old = await house.newCloud();
      old.cloud.capabilities.features = [];
      await old.user(house.one, 'ada', { url: old.cloud.url });
      expect(old.cloud.paths.at(-1)).toBe('/ocs/v2.php/apps/spreed/api/v1/signaling/backend');
    });

    test('who names another place on that host is refused, and nothing there is asked', async () => {
      const talk = await house.newCloud();
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      // What an attacker could have uploaded: capabilities with a key of theirs.
      talk.cloud.capabilities.signaling['hello-v2-token-key'] = publicKey
        .export({ format: 'pem', type: 'spki' })
        .toString();
      const controller = 'ocs/v2.php/apps/spreed/api/v3/signaling/backend';
      for (const path of [
        'uploads/evil/',
        `public.php/dav/files/share/${controller}`,
        `ocs/v2.php/apps/spreed/evil/${controller}`,
        `evil${controller}`,
        `${controller}/more`,
      ]) {
        const url = `${talk.cloud.url}${path}`;
        await expect(talk.user(house.one, 'ada', { url })).rejects.toThrow(/invalid_backend/);
        await expect(hello(url, await token(privateKey, 'EdDSA'))).rejects.toThrow(/invalid_backend/);
        const guest = await house.region.connect(house.one, 'guest');
        guest.send({
          id: 'f',
          type: 'hello',
          hello: { version: '2.0', auth: { type: 'federation', url, params: { token: 'any' } } },
        });
        expect((await guest.expect('error')).error).toMatchObject({ code: 'invalid_backend' });
      }
      expect([...talk.cloud.paths, ...talk.cloud.capabilityPaths]).toEqual([]);
    });
  });

  describe('backends come and go while the gateway runs', () => {
    test('on all replicas within a second', async () => {
      const talk = await house.newCloud();
      await talk.unregister();
      const doors = [house.one, house.two];
      const slowest = async (all: Promise<number>[]) => Math.max(...(await Promise.all(all)));
      const isRefused = (door: RunningSignaling) =>
        takes('no such backend', () => expect(talk.user(door, 'ada')).rejects.toThrow(/invalid_backend/));
      await slowest(doors.map(isRefused));
      await expectWithin(1_000, async () => {
        await talk.register();
        const added = await slowest(doors.map((door) => takes('the new backend', () => talk.user(door, 'ada'))));
        const inside = await Promise.all(doors.map((door) => talk.user(door, 'bob')));
        await talk.unregister();
        const isOut = (client: ScriptedSignalingClient) =>
          takes('the end of its sessions', async () =>
            expect(client.received.at(-1)?.bye).toEqual({ reason: 'backend_removed' }),
          );
        return Math.max(added, await slowest([...doors.map(isRefused), ...inside.map(isOut)]));
      });
      await talk.register();
      await takes('the backend again', () => talk.user(house.two, 'ada'));
    });
  });

  describe('a limit of sessions', () => {
    test('holds across replicas; the connection may go elsewhere; a bye makes room, a lost connection does not', async () => {
      const small = await house.newCloud({ sessionLimit: 2 });
      const wide = await house.newCloud();
      const first = await small.user(house.one, 'first');
      const second = await small.user(house.two, 'second');
      for (const replica of [house.one, house.two]) {
        await expect(small.user(replica, 'third')).rejects.toThrow(/session_limit_exceeded/);
      }
      const third = await house.region.connect(house.two, 'third');
      const params = { ticket: 'good', userid: 'third' };
      await expect(third.helloV1({ url: small.cloud.url, params })).rejects.toThrow(/session_limit_exceeded/);
      await third.helloV1({ url: wide.cloud.url, params });
      second.drop();
      await second.expectClosed();
      await expect(small.user(house.one, 'fourth')).rejects.toThrow(/session_limit_exceeded/);
      await first.bye();
      await small.user(house.two, 'fifth');
    });

    test('is never exceeded by many that come at once', async () => {
      const small = await house.newCloud({ sessionLimit: 3 });
      const tries = Array.from({ length: 12 }, (_, index) =>
        small.user(index % 2 ? house.one : house.two, `u${index}`),
      );
      const outcomes = await Promise.allSettled(tries);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    });

    test('does not count internal clients', async () => {
      const small = await house.newCloud({ sessionLimit: 1 });
      await small.user(house.one, 'ada');
      const recorder = await house.region.connect(house.two, 'recorder');
      const answer = await recorder.helloInternal({ secret: small.internalSecret, backend: small.cloud.url });
      expect(answer.hello).toMatchObject({ userid: '', sessionid: expect.any(String) as unknown });
    });
  });

  describe('internal clients', () => {
    test('prove themselves to the backend they name', async () => {
      const [mine, yours] = [await house.newCloud(), await house.newCloud()];
      const none = await house.newCloud({ isWithoutServices: true });
      const tries: [TalkServer, RegExp | undefined][] = [
        [mine, undefined],
        [yours, /invalid_token/],
        [none, /invalid_client_type/],
      ];
      for (const [named, error] of tries) {
        const client = await house.region.connect(house.one, 'internal');
        const attempt = client.helloInternal({ secret: mine.internalSecret, backend: named.cloud.url });
        if (error === undefined) await attempt;
        else await expect(attempt).rejects.toThrow(error);
      }
    });
  });
});
