import { randomBytes } from 'node:crypto';
import { eventually, ScriptedSignalingClient } from '@parley/testing';
import type { JoinAnswer } from './back-end';
import { join, prepare, send, type Account, type CallOptions } from './door';
import { RegionConditions } from './region-conditions';
import { untilLetIn, untilServed } from './standstills';
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
  }, 400_000);

  afterAll(async () => {
    for (const client of clients) client.drop();
    await world?.close();
    await conditions?.close();
  }, 120_000);

  const ask = (region: Region, account: Account, call: string, data: object, options: CallOptions = {}) =>
    untilServed(() => send(region.door, prepare(account, call, data, options)));

  const now = () => Math.floor(Date.now() / 1_000);

  it('are really apart', async () => {
    const domain = 'signed-us.localhost';
    const { status, body } = await ask(world.us, signer, 'booking/list', { domain }, { seconds: 0 });
    expect(status).toBe(401);
    const told = Number(/the clock here says (\d+)\.$/.exec(body.errMsg ?? '')?.[1]);
    expect(told - now()).toBeGreaterThan(AHEAD_SECONDS - 120);
  });

  it('take calls for each other, whichever door they come to', async () => {
    for (const domain of [AT_HOME, OVERSEAS]) {
      for (const region of [world.eu, world.us]) {
        const id = `${domain}/${fresh()}`;
        const { status, body } = await ask(region, world.demo, 'room/init', { id });
        expect([status, body.data]).toEqual([200, { id, type: 1, isLocked: false }]);
      }
    }
    for (const region of [world.eu, world.us]) {
      // A list names the region whose Redis does not answer just then.
      const whole = async () => {
        const answer = await ask(region, world.demo, 'room/list', {});
        return answer.headers['x-parley-missing-regions'] === undefined ? answer : undefined;
      };
      const { status, body } = await eventually(whole, `a list of both regions at ${region.id}`, 45_000);
      expect(status).toBe(200);
      expect(Object.keys(body.data as object).sort()).toEqual([AT_HOME, OVERSEAS]);
    }
    // Looked at every few seconds; the other one may have been younger than the last look.
    for (const region of [world.eu, world.us]) {
      await eventually(
        async () => (await region.seen()).join() === 'eu-1 up,us-1 up',
        async () => `both to be up for ${region.id}, not ${String(await region.seen())}`,
        60_000,
      );
    }
  }, 300_000);

  it('compare a signed time with the clock of the region that does the call, and say what that shows', async () => {
    for (const region of [world.eu, world.us]) {
      expect((await ask(region, signer, 'room/init', { id: `signed-eu.localhost/${fresh()}` })).status).toBe(200);

      let roomName = '';
      let right = prepare(signer, 'room/list', {});
      // All of it again where a server stood still: what was answered 503 may have used its x-random up.
      const done = await untilServed(async () => {
        const random = randomBytes(32).toString('hex');
        roomName = fresh();
        const booked = { domain: 'signed-us.localhost', roomName, validUntil: new Date(Date.now() + 3_600_000) };
        const refused = await ask(region, signer, 'booking/add', booked, { random });
        expect([refused.status, refused.body.data]).toEqual([401, null]);
        expect(refused.body.errMsg).toMatch(
          /^x-timestamp must be Unix seconds, at most 300 s off; the clock here says/,
        );
        expect(await world.us.tablesWith(roomName)).toEqual([]);
        // Who goes by that clock is let in, with the x-random that was not used up.
        const told = Number(/(\d+)\.$/.exec(refused.body.errMsg ?? '')?.[1]);
        right = prepare(signer, 'booking/add', booked, { random, seconds: told });
        return send(region.door, right);
      });
      expect([done.status, done.body.errMsg]).toEqual([200, null]);
      expect(await world.us.tablesWith(roomName)).toContain('Booking');
      for (const again of [world.eu, world.us]) {
        const replayed = await untilServed(() => send(again.door, right));
        expect([replayed.status, replayed.body.errMsg]).toEqual([401, 'This x-random was used before.']);
      }
    }
    // A list of the account is asked of both: one refuses the caller, and the list does not pretend otherwise.
    const list = await ask(world.eu, signer, 'room/list', {});
    expect([list.status, list.body.data]).toEqual([401, null]);
    expect(list.body.errMsg).toMatch(/the clock here says/);
  }, 300_000);

  async function ticketFrom(door: Region, room: string): Promise<JoinAnswer> {
    const { status, body } = await untilServed(() => join(door.door, room));
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
    await ask(world.eu, world.demo, 'room/init', { id: room });
    const enterBy = (door: Region) =>
      untilLetIn(async () => {
        const { signalingUrl, authUrl, ticket, roomId } = await ticketFrom(door, room);
        const client = await connect(signalingUrl, `by ${door.id}`);
        await client.hello({ authUrl, ticket });
        await client.join(roomId);
        return client;
      });
    const [first, second] = [await enterBy(world.eu), await enterBy(world.us)];
    await first.expectJoined(second.sessionId);
  });

  it('tell who comes to the wrong one where to go: the ticket is of another time there', async () => {
    const { eu, us } = world;
    for (const [home, wrong, domain] of [
      [eu, us, AT_HOME],
      [us, eu, OVERSEAS],
    ] as const) {
      const room = `${domain}/${fresh()}`;
      await ask(eu, world.demo, 'room/init', { id: room });
      await untilLetIn(async () => {
        const { authUrl, ticket, signalingUrl } = await ticketFrom(wrong, room);
        const lost = await connect(wrong.run.signaling[0] ?? '', `lost in ${wrong.id}`);
        const hello = { version: '2.0', auth: { url: authUrl, params: { token: ticket } } };
        const answer = await lost.request('hello', hello);
        expect(answer.error).toMatchObject({ code: 'wrong_region', details: { region: home.id, url: signalingUrl } });
        // It was not used up.
        await (await connect(signalingUrl, 'found')).hello({ authUrl, ticket });
      });
    }
  });

  it('tell each other of accounts: a new secret is accepted, and counts in both', async () => {
    const { us, eu } = world;
    const { secret, accepted, lagging } = await us.admin('POST', 'accounts/signer/rotate-secret');
    // One that does not answer within 3 s is named, and hears later.
    expect([accepted, lagging]).toEqual(accepted === true ? [true, []] : [false, ['eu-1']]);
    const renewed = { ...signer, secret: String(secret) };
    const statusAt = async (region: Region, account: Account) =>
      (await ask(region, account, 'booking/list', { domain: 'signed-eu.localhost' })).status;
    for (const region of [eu, us]) {
      const isKnown = async () => (await statusAt(region, renewed)) === 200;
      await eventually(isKnown, `the new secret to be accepted in ${region.id}`, 60_000);
    }
    // Its place is taken as soon as all have heard; then the former one is void.
    const isVoid = async () => (await statusAt(eu, signer)) === 401;
    await eventually(isVoid, 'the former secret to be void in eu-1', 60_000);
    signer = renewed;
  }, 300_000);

  it('move a domain from one to the other', async () => {
    const { eu, us } = world;
    const domain = 'moves.localhost';
    await eu.admin('POST', 'domains', { name: domain, account: 'demo' });
    const roomName = fresh();
    const validUntil = new Date(Date.now() + 3_600_000).toISOString();
    expect((await ask(us, world.demo, 'booking/add', { domain, roomName, validUntil })).status).toBe(200);
    let status: Record<string, unknown> = {};
    await eventually(
      async () => {
        status = await eu.admin('POST', `domains/${domain}/move`, { to: 'us-1', closeRooms: true });
        return status.phase === 'done';
      },
      () => `the move to end; it says ${JSON.stringify(status)}`,
      180_000,
    );
    for (const region of [eu, us]) {
      const { body } = await ask(region, world.demo, 'booking/get', { domain, roomName });
      expect(body).toEqual({ isError: false, errMsg: null, data: { domain, roomName, validUntil } });
    }
    expect(await eu.tablesWith(roomName)).toEqual([]);
  }, 400_000);
});
