import { readFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { eventually, queryDatabase, ScriptedSignalingClient, startReceiver, type Receiver } from '@parley/testing';
import { BackEnd, type JoinAnswer } from './back-end';
import { join, prepare, send, type Account, type CallOptions } from './door';
import { answerHandshakes } from './receiving';
import { untilLetIn, untilServed } from './standstills';
import { AT_HOME, OVERSEAS, startTwoRegions, type Region, type TwoRegions } from './two-regions';
import { METHODS, type RoomList, type Stage } from './xroom-methods';

/** A domain that its account's back end calls at the wrong door. */
interface Case {
  readonly account: Account;
  readonly domain: string;
  readonly home: Region;
  readonly wrong: Region;
  readonly robotId: number;
  readonly receiver: Receiver;
}

/** Of an account that was made in us-1 and has to sign. */
const SIGNED = 'signed.localhost';

describe('every xroom method, at the wrong region', () => {
  let world: TwoRegions;
  const cases = new Map<string, Case>();
  const clients: ScriptedSignalingClient[] = [];
  let names = 0;
  const fresh = () => `methods-${(names += 1)}`;

  beforeAll(async () => {
    world = await startTwoRegions();
    const { eu, us, demo, parley } = world;
    const signer = (await us.admin('POST', 'accounts', { slug: 'signer' })) as { authId: string; secret: string };
    const made = await us.admin('POST', 'domains', { name: SIGNED, account: 'signer' });
    // As the demo domain may, so that its receiver can run here.
    await queryDatabase(us.run.postgresUrl, 'UPDATE "Domain" SET "insecureWebhooks" = true WHERE name = $1', [SIGNED]);
    await enact(demo, AT_HOME, { home: eu, wrong: us, webhookKey: parley.run.webhookKey });
    await enact({ ...signer, proof: 'signature' }, SIGNED, {
      home: us,
      wrong: eu,
      webhookKey: String(made.webhookKey),
    });
  }, 400_000);

  afterAll(async () => {
    for (const client of clients) client.drop();
    for (const { receiver } of cases.values()) await receiver.close();
    await world?.close();
  }, 120_000);

  async function enact(account: Account, domain: string, where: { home: Region; wrong: Region; webhookKey: string }) {
    const { home, wrong, webhookKey } = where;
    // Robots are made over the REST API; where, is not what is looked at here.
    const backEnd = new BackEnd({ ...world.parley.run, url: home.door, account });
    const robot = await backEnd.rest('POST', '/v1/robots', { domain, name: 'robot' });
    const receiver = await startReceiver();
    answerHandshakes(receiver, webhookKey);
    cases.set(domain, { account, domain, home, wrong, receiver, robotId: robot.body.robotId as number });
  }

  function caseOf(domain: string): Case {
    const found = cases.get(domain);
    if (found === undefined) throw new Error(`${domain} was not set up`);
    return found;
  }

  /** Comes in by a ticket that a region's front door gave. */
  function enter(door: string, room: string): Promise<ScriptedSignalingClient> {
    return untilLetIn(async () => {
      const { status, body } = await untilServed(() => join(door, room));
      expect({ status, code: body.code }).toEqual({ status: 200, code: undefined });
      const { signalingUrl, authUrl, ticket, roomId } = body as unknown as JoinAnswer;
      const client = await ScriptedSignalingClient.connect(signalingUrl, { name: `somebody in ${room}` });
      clients.push(client);
      await client.hello({ authUrl, ticket });
      await client.join(roomId);
      return client;
    });
  }

  /** As {@link send}; answers what was sent, too. */
  async function ask(region: Region, account: Account, call: string, data: object, options: CallOptions = {}) {
    let prepared = prepare(account, call, data, options);
    const answer = await untilServed(() => send(region.door, (prepared = prepare(account, call, data, options))));
    return { ...answer, prepared };
  }

  function stageOf(domain: string, version: '1' | '2'): Stage {
    const { account, home, wrong, receiver, robotId } = caseOf(domain);
    const answered = async (region: Region, call: string, data: object) => {
      const answer = await ask(region, account, call, data, { version });
      // Who answered, as the wrong region's router tells; the home region's own says nothing of it.
      const servedBy = answer.headers['x-home-region'];
      expect({ call, status: answer.status, servedBy, errMsg: answer.body.errMsg }).toEqual({
        call,
        status: 200,
        servedBy: region === home ? undefined : home.id,
        errMsg: null,
      });
      expect(Object.keys(answer.body).sort()).toEqual(['data', 'errMsg', 'isError']);
      return answer.body.data;
    };
    return {
      domain,
      regionNumber: home === world.eu ? 1 : 2,
      elsewhere: (call, data) => answered(wrong, call, data),
      atHome: (call, data) => answered(home, call, data),
      enter: (name) => enter(wrong.door, `${domain}/${name}`),
      robotId,
      receiver,
      fresh,
    };
  }

  it('is driven here', () => {
    const file = joinPath(__dirname, '..', 'apps', 'api', 'openapi.json');
    // The document is compared with the api's own schemas by a test of its own.
    const titles = readFileSync(file, 'utf8').matchAll(/"title": "((?:room|booking|webhook)\/\w+)"/g);
    expect(Object.keys(METHODS).sort()).toEqual([...titles].map(([, title]) => title).sort());
    expect(Object.keys(METHODS)).toHaveLength(15);
  });

  describe.each([
    [AT_HOME, 'the original key', '1'],
    [AT_HOME, 'the original key', '2'],
    [SIGNED, 'a signature', '1'],
    [SIGNED, 'a signature', '2'],
  ] as const)('of %s, with %s and version %s', (domain, _proof, version) => {
    it.each(Object.entries(METHODS))('%s', (_method, drive) => drive(stageOf(domain, version)), 240_000);
  });

  it('answers for the account as a whole at both doors: all regions, with everybody who is there', async () => {
    const { eu, us, demo } = world;
    const [near, far] = [`${AT_HOME}/${fresh()}`, `${OVERSEAS}/${fresh()}`];
    for (const id of [near, far]) expect((await ask(eu, demo, 'room/init', { id })).status).toBe(200);
    const [ann, ben] = [await enter(us.door, near), await enter(eu.door, far)];
    // A list names the region whose Redis does not answer just then.
    const listAt = (region: Region) =>
      eventually(
        async () => {
          const answer = await ask(region, demo, 'room/list', {});
          return answer.headers['x-parley-missing-regions'] === undefined ? answer : undefined;
        },
        `a list of both regions at ${region.id}`,
        45_000,
      );
    const lists = await Promise.all([eu, us].map(listAt));
    for (const { status, body } of lists) {
      expect([status, body.errMsg]).toEqual([200, null]);
      const list = body.data as RoomList;
      expect(Object.keys(list).sort()).toEqual([AT_HOME, OVERSEAS]);
      expect(list[AT_HOME]?.[near]?.clients).toEqual([{ id: ann.sessionId, type: 1 }]);
      expect(list[OVERSEAS]?.[far]?.clients).toEqual([{ id: ben.sessionId, type: 1 }]);
    }
    expect(lists[0]?.body).toEqual(lists[1]?.body);
  }, 240_000);

  it.each([AT_HOME, SIGNED])('refuses a wrong key for %s at both doors, and does nothing', async (domain) => {
    const { account, home, wrong } = caseOf(domain);
    const stranger = { ...account, secret: 'not the secret' };
    const roomName = fresh();
    const validUntil = new Date(Date.now() + 60_000);
    for (const region of [home, wrong]) {
      for (const [call, data] of [
        ['room/init', { id: `${domain}/${roomName}` }],
        ['room/list', { domain }],
        ['room/list', {}],
        ['booking/add', { domain, roomName, validUntil }],
        ['webhook/add', { domain, type: 'url', url: `https://hooks.example/${roomName}` }],
        ['webhook/remove', { id: home === world.eu ? 1_025 : 1_026 }],
      ] as const) {
        const { status, body } = await ask(region, stranger, call, data);
        expect({ call, status, body }).toEqual({
          call,
          status: 401,
          body: { isError: true, errMsg: 'The auth id, key or signature is wrong.', data: null },
        });
      }
    }
    for (const region of [home, wrong]) expect(await region.tablesWith(roomName)).toEqual([]);
  });

  it.each([AT_HOME, SIGNED])('takes an x-random for %s once, whichever door it comes to', async (domain) => {
    const { account, home, wrong } = caseOf(domain);
    for (const [first, second] of [
      [wrong, home],
      [home, wrong],
    ] as const) {
      const done = await ask(first, account, 'room/init', { id: `${domain}/${fresh()}` });
      expect(done.status).toBe(200);
      const { status, body } = await untilServed(() => send(second.door, done.prepared));
      expect([status, body.isError, body.errMsg]).toEqual([401, true, 'This x-random was used before.']);
    }
  });

  it.each([AT_HOME, SIGNED])(
    "says of unknown domains and of others' what it says at home, for the account of %s",
    async (domain) => {
      const { account, home, wrong } = caseOf(domain);
      const foreign = domain === SIGNED ? OVERSEAS : SIGNED;
      for (const id of ['nowhere.localhost/room', `${foreign}/room`]) {
        for (const region of [home, wrong]) {
          const { status, body } = await ask(region, account, 'room/init', { id });
          const errMsg: unknown = expect.stringMatching(/^There is no domain /);
          expect({ status, body }).toEqual({ status: 200, body: { isError: true, errMsg, data: null } });
        }
      }
    },
  );

  it('leaves what was done in the home region, and nothing of it elsewhere', async () => {
    const written = ['Booking', 'Domain', 'OutboxEvent', 'Room', 'Webhook'];
    for (const [domain, { home, wrong }] of cases) {
      expect(await home.tablesWith(domain)).toEqual(expect.arrayContaining(written));
      expect(await wrong.tablesWith(domain)).toEqual([]);
      expect(await wrong.redisKeysWith(domain)).toEqual([]);
      // Guards against looking for the wrong thing.
      expect(await home.redisKeysWith(domain)).not.toEqual([]);
    }
  });
});
