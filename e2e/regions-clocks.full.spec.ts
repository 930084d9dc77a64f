import { randomBytes } from 'node:crypto';
import { eventually, ScriptedSignalingClient } from '@parley/testing';
import type { JoinAnswer } from './back-end';
import { join, prepare, send, type Account } from './door';
import { RegionConditions } from './region-conditions';
import { AT_HOME, OVERSEAS, startTwoRegions, type Region, type TwoRegions } from './two-regions';

const AHEAD_SECONDS = 600;

/** All machines of us-1 are ten minutes ahead of those of eu-1, whose clocks are ours. */
describe('regions whose clocks are ten minutes apart', () => {
  let conditions: RegionConditions;
  let world: TwoRegions;
  /** Has to sign; with a domain in each region. */
  let signer: Account;
  const clients: ScriptedSignalingClient[] = [];
  let names = 0;
  const fresh = () => `clocks-${(names += 1)}`;

  beforeAll(async () => {
    conditions = await RegionConditions.make({ 'us-1': { aheadMs: AHEAD_SECONDS * 1_000 } });
    world = await startTwoRegions(conditions.env);
    const { eu, us } = world;
    const made = (await us.admin('POST', 'accounts', { slug: 'signer' })) as { authId: string; secret: string };
    signer = { ...made, proof: 'signature' };
    // The account's record goes to eu-1 in a letter that is from the future there.
    await us.admin('POST', 'accounts/signer/regions', { region: 'eu-1' });
    await us.admin('POST', 'domains', { name: 'signed-us.localhost', account: 'signer' });
    await eu.admin('POST', 'domains', { name: 'signed-eu.localhost', account: 'signer' });
  }, 180_000);

  afterAll(async () => {
    for (const client of clients) client.drop();
    await world?.close();
    await conditions?.close();
  }, 60_000);

  const now = () => Math.floor(Date.now() / 1_000);

  it('are really apart', async () => {
    const { status, body } = await send(
      world.us.door,
      prepare(signer, 'booking/list', { domain: 'signed-us.localhost' }, { seconds: 0 }),
    );
    expect(status).toBe(401);
    const told = Number(/the clock here says (\d+)\.$/.exec(body.errMsg ?? '')?.[1]);
    expect(told - now()).toBeGreaterThan(AHEAD_SECONDS - 120);
  });

  it('take calls for each other, whichever door they come to', async () => {
    for (const domain of [AT_HOME, OVERSEAS]) {
      for (const { door } of [world.eu, world.us]) {
        const id = `${domain}/${fresh()}`;
        const { status, body } = await send(door, prepare(world.demo, 'room/init', { id }));
        expect([status, body.data]).toEqual([200, { id, type: 1, isLocked: false }]);
      }
    }
    for (const { door } of [world.eu, world.us]) {
      const { status, headers, body } = await send(door, prepare(world.demo, 'room/list', {}));
      expect([status, headers['x-parley-missing-regions']]).toEqual([200, undefined]);
      expect(Object.keys(body.data as object).sort()).toEqual([AT_HOME, OVERSEAS]);
    }
    // Looked at every few seconds; the other one may have been younger than the last look.
    for (const region of [world.eu, world.us]) {
      await eventually(
        async () => (await region.seen()).join() === 'eu-1 up,us-1 up',
        async () => `both to be up for ${region.id}, not ${String(await region.seen())}`,
        30_000,
      );
    }
  }, 90_000);

  it('compare a signed time with the clock of the region that does the call, and say what that shows', async () => {
    for (const { door } of [world.eu, world.us]) {
      const near = prepare(signer, 'room/init', { id: `signed-eu.localhost/${fresh()}` });
      expect((await send(door, near)).status).toBe(200);

      const random = randomBytes(32).toString('hex');
      const roomName = fresh();
      const booked = { domain: 'signed-us.localhost', roomName, validUntil: new Date(Date.now() + 3_600_000) };
      const refused = await send(door, prepare(signer, 'booking/add', booked, { random }));
      expect([refused.status, refused.body.data]).toEqual([401, null]);
      expect(refused.body.errMsg).toMatch(/^x-timestamp must be Unix seconds, at most 300 s off; the clock here says/);
      expect(await world.us.tablesWith(roomName)).toEqual([]);
      // Who goes by that clock is let in, with the x-random that was not used up.
      const told = Number(/(\d+)\.$/.exec(refused.body.errMsg ?? '')?.[1]);
      const right = prepare(signer, 'booking/add', booked, { random, seconds: told });
      const done = await send(door, right);
      expect([done.status, done.body.errMsg]).toEqual([200, null]);
      expect(await world.us.tablesWith(roomName)).toContain('Booking');
      for (const again of [world.eu, world.us]) {
        const replayed = await send(again.door, right);
        expect([replayed.status, replayed.body.errMsg]).toEqual([401, 'This x-random was used before.']);
      }
    }
    // A list of the account is asked of both: one refuses the caller, and the list does not pretend otherwise.
    const list = await send(world.eu.door, prepare(signer, 'room/list', {}));
    expect([list.status, list.body.data]).toEqual([401, null]);
    expect(list.body.errMsg).toMatch(/the clock here says/);
  });

  async function ticketFrom(door: Region, room: string): Promise<JoinAnswer> {
    const { status, body } = await join(door.door, room);
    expect({ status, code: body.code }).toEqual({ status: 200, code: undefined });
    return body as unknown as JoinAnswer;
  }

  async function connect(url: string, name: string): Promise<ScriptedSignalingClient> {
    const client = await ScriptedSignalingClient.connect(url, { name });
    clients.push(client);
    return client;
  }

  it.each([AT_HOME, OVERSEAS])('let people into rooms of %s by tickets that either door gave', async (domain) => {
    const room = `${domain}/${fresh()}`;
    await send(world.eu.door, prepare(world.demo, 'room/init', { id: room }));
    const entered = [];
    for (const door of [world.eu, world.us]) {
      const { signalingUrl, authUrl, ticket, roomId } = await ticketFrom(door, room);
      const client = await connect(signalingUrl, `by ${door.id}`);
      await client.hello({ authUrl, ticket });
      await client.join(roomId);
      entered.push(client);
    }
    const [first, second] = entered;
    await first?.expectJoined(second?.sessionId ?? '');
  });

  it('tell who comes to the wrong one where to go: the ticket is of another time there', async () => {
    const { eu, us } = world;
    for (const [home, wrong, domain] of [
      [eu, us, AT_HOME],
      [us, eu, OVERSEAS],
    ] as const) {
      const room = `${domain}/${fresh()}`;
      await send(eu.door, prepare(world.demo, 'room/init', { id: room }));
      const { authUrl, ticket, signalingUrl } = await ticketFrom(wrong, room);
      const lost = await connect(wrong.run.signaling[0] ?? '', `lost in ${wrong.id}`);
      const hello = { version: '2.0', auth: { url: authUrl, params: { token: ticket } } };
      const answer = await lost.request('hello', hello);
      expect(answer.error).toMatchObject({ code: 'wrong_region', details: { region: home.id, url: signalingUrl } });
      // It was not used up.
      await (await connect(signalingUrl, 'found')).hello({ authUrl, ticket });
    }
  });

  it('tell each other of accounts: a new secret is accepted, and counts in both', async () => {
    const { us, eu } = world;
    const { secret, accepted, lagging } = await us.admin('POST', 'accounts/signer/rotate-secret');
    expect({ accepted, lagging }).toEqual({ accepted: true, lagging: [] });
    const renewed = { ...signer, secret: String(secret) };
    const ask = (account: Account) => prepare(account, 'booking/list', { domain: 'signed-eu.localhost' });
    for (const { door } of [eu, us]) expect((await send(door, ask(renewed))).status).toBe(200);
    // Its place is taken as soon as all have heard; then the former one is void.
    await eventually(
      async () => (await send(eu.door, ask(signer))).status === 401,
      'the former secret to be void in eu-1',
      30_000,
    );
    signer = renewed;
  }, 60_000);

  it('move a domain from one to the other', async () => {
    const { eu, us } = world;
    const domain = 'moves.localhost';
    await eu.admin('POST', 'domains', { name: domain, account: 'demo' });
    const roomName = fresh();
    const validUntil = new Date(Date.now() + 3_600_000).toISOString();
    await send(us.door, prepare(world.demo, 'booking/add', { domain, roomName, validUntil }));
    let status: Record<string, unknown> = {};
    await eventually(
      async () => {
        status = await eu.admin('POST', `domains/${domain}/move`, { to: 'us-1', closeRooms: true });
        return status.phase === 'done';
      },
      () => `the move to end; it says ${JSON.stringify(status)}`,
      90_000,
    );
    for (const { door } of [eu, us]) {
      const { body } = await send(door, prepare(world.demo, 'booking/get', { domain, roomName }));
      expect(body).toEqual({ isError: false, errMsg: null, data: { domain, roomName, validUntil } });
    }
    expect(await eu.tablesWith(roomName)).toEqual([]);
  }, 120_000);
});
