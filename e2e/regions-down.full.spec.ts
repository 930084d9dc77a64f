import { eventually } from '@parley/testing';
import { join, prepare, send, type Answer } from './door';
import type { Envelope } from './back-end';
import { RegionConditions } from './region-conditions';
import { untilServed } from './standstills';
import { AT_HOME, OVERSEAS, SERVICES, startTwoRegions, type Region, type TwoRegions } from './two-regions';
import type { RoomList } from './xroom-methods';

/** `overseas.localhost` is at home in us-1, which dies. Its callers ask in eu-1, or where it died. */
describe('a home region that is killed', () => {
  let conditions: RegionConditions;
  let world: TwoRegions;
  const refusedNames: string[] = [];

  beforeAll(async () => {
    conditions = await RegionConditions.make();
    world = await startTwoRegions(conditions.env);
    for (const id of [`${AT_HOME}/near`, `${OVERSEAS}/far`]) {
      expect((await served(world.eu, 'room/init', { id })).body.errMsg).toBeNull();
    }
  }, 400_000);

  afterAll(async () => {
    await world?.close();
    await conditions?.close();
  }, 120_000);

  const ask = (region: Region, call: string, data: object) => send(region.door, prepare(world.demo, call, data));
  /** Of a region that is alive: what its servers that stand still refuse is asked again. */
  const served = (region: Region, call: string, data: object) => untilServed(() => ask(region, call, data));
  const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

  /** Kills what runs of these services in us-1 and keeps it from coming back. */
  async function strike(...dead: readonly string[]): Promise<void> {
    await conditions.set('us-1', { dead });
    await world.us.kill(...dead);
  }

  /** Everything that writes, in a domain of us-1, with names that are looked for afterwards. */
  async function writes(door: Region): Promise<readonly (Answer<Envelope<unknown>> & { readonly call: string })[]> {
    const answers = [];
    for (const call of ['room/init', 'booking/add', 'webhook/add', 'room/setLock', 'webhook/remove']) {
      const roomName = `refused-${refusedNames.length}`;
      refusedNames.push(roomName);
      const data = {
        'room/init': { id: `${OVERSEAS}/${roomName}` },
        'booking/add': { domain: OVERSEAS, roomName, validUntil: inAnHour() },
        'webhook/add': { domain: OVERSEAS, type: 'url', url: `https://hooks.example/${roomName}`, roomName },
        'room/setLock': { id: `${OVERSEAS}/far`, lock: true },
        'webhook/remove': { id: 1_026 },
      }[call];
      answers.push({ call, ...(await ask(door, call, data ?? {})) });
    }
    return answers;
  }

  function expectHomeDown(answers: Awaited<ReturnType<typeof writes>>): void {
    for (const { call, status, headers, body } of answers) {
      const told = { call, status, home: headers['x-home-region'], isError: body.isError, data: body.data };
      expect(told).toEqual({ call, status: 503, home: 'us-1', isError: true, data: null });
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(body.errMsg).not.toBe('');
    }
  }

  async function listAt(region: Region) {
    const { status, headers, body } = await served(region, 'room/list', {});
    return { status, missing: headers['x-parley-missing-regions'], list: body.data as RoomList };
  }

  async function expectNearOnly(region: Region): Promise<void> {
    const { status, missing, list } = await listAt(region);
    expect({ status, missing, domains: Object.keys(list) }).toEqual({
      status: 200,
      missing: 'us-1',
      domains: [AT_HOME],
    });
    expect(list[AT_HOME]).toHaveProperty([`${AT_HOME}/near`]);
  }

  it('its api killed: 503 with Retry-After and x-home-region; the rest of the account is answered', async () => {
    await strike('api');
    const { eu, us } = world;
    expectHomeDown(await writes(eu));
    const visitor = await join(eu.door, `${OVERSEAS}/far`);
    expect([visitor.status, visitor.headers['x-home-region']]).toEqual([503, 'us-1']);
    // Its own front door lives and says the same, and still takes calls for others.
    for (const { status, headers } of await writes(us)) {
      expect(status).toBe(503);
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    expect((await served(us, 'room/init', { id: `${AT_HOME}/near` })).body.errMsg).toBeNull();
    for (const region of [eu, us]) await expectNearOnly(region);
  }, 300_000);

  it('all of it killed, its front door included: the same, and the others go on', async () => {
    await strike(...SERVICES);
    const { eu, us } = world;
    await eventually(
      () => fetch(`${us.door}/ping`).then(() => false, () => true), // prettier-ignore
      'the front door of us-1 to be gone',
      45_000,
    );
    const answers = await writes(eu);
    expectHomeDown(answers);
    for (const { body } of answers) expect(body.errMsg).toBe('The home region us-1 does not answer; try again.');
    const visitor = await join(eu.door, `${OVERSEAS}/far`);
    expect(visitor.status).toBe(503);
    expect(visitor.body).toMatchObject({ code: 'home_region_down', status: 503 });
    await expectNearOnly(eu);
    expect((await served(eu, 'booking/list', { domain: AT_HOME })).body).toMatchObject({ isError: false, data: [] });
    expect((await untilServed(() => join(eu.door, `${AT_HOME}/near`))).status).toBe(200);
    await eventually(
      async () => (await eu.seen()).join() === 'eu-1 up,us-1 down',
      async () => `us-1 to be told as down, not ${String(await eu.seen())}`,
      60_000,
    );
  }, 300_000);

  it('back again it works by itself, and what was refused was done nowhere', async () => {
    await conditions.set('us-1', {});
    const { eu, us } = world;
    const answered = async (region: Region) =>
      (await ask(region, 'booking/list', { domain: OVERSEAS }).catch(() => undefined))?.status === 200;
    for (const region of [eu, us]) {
      await eventually(
        () => answered(region),
        async () => `us-1 to answer at ${region.id}; Parley says ${world.parley.output().slice(-4_000)}`,
        240_000,
      );
    }
    const roomName = 'after-all';
    expect(
      (await served(eu, 'booking/add', { domain: OVERSEAS, roomName, validUntil: inAnHour() })).body.errMsg,
    ).toBeNull();
    expect(await us.tablesWith(roomName)).toContain('Booking');
    for (const region of [eu, us]) {
      // A list names the region whose Redis does not answer just then.
      const whole = async () => {
        const listed = await listAt(region);
        return listed.missing === undefined ? listed : undefined;
      };
      const { status, list } = await eventually(whole, `a list of both regions at ${region.id}`, 45_000);
      expect(status).toBe(200);
      // What was open there when it died is open.
      expect(list[OVERSEAS]).toEqual({
        [`${OVERSEAS}/far`]: { options: { type: 1, isLocked: false, password: null }, clients: [] },
      });
    }
    expect(refusedNames.length).toBeGreaterThan(10);
    for (const name of refusedNames) {
      for (const region of [eu, us])
        expect({ name, tables: await region.tablesWith(name) }).toEqual({ name, tables: [] });
    }
    expect(await eu.tablesWith(OVERSEAS)).toEqual([]);
    expect(await eu.redisKeysWith(OVERSEAS)).toEqual([]);
  }, 600_000);
});
