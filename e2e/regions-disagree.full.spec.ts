import { randomUUID } from 'node:crypto';
import { eventually, queryDatabase } from '@parley/testing';
import { BackEnd } from './back-end';
import { DirectoryCopies } from './directory-copies';
import { join, prepare, send } from './door';
import { RegionConditions } from './region-conditions';
import { untilServed } from './standstills';
import { startTwoRegions, type Region, type TwoRegions } from './two-regions';

/** Answers that say: this is not the home, or regions do not agree which one is. */
const HONEST = [421, 508];

/** Regions whose copies of the directory, or whose own data, say different things about a domain's home. */
describe('regions that disagree', () => {
  let conditions: RegionConditions;
  let world: TwoRegions;
  let copies: DirectoryCopies;
  let names = 0;
  const fresh = () => `torn-${(names += 1)}`;

  beforeAll(async () => {
    conditions = await RegionConditions.make({
      'eu-1': { ownDirectory: ['region-router'] },
      'us-1': { ownDirectory: ['region-router', 'signaling'] },
    });
    world = await startTwoRegions({ ...conditions.env, LOG_LEVEL: 'debug' });
    copies = new DirectoryCopies(world);
    for (const region of [world.eu, world.us]) await copies.renew(region);
  }, 400_000);

  afterAll(async () => {
    await world?.close();
    await conditions?.close();
  }, 120_000);

  /** Answers under which id it came, too. */
  async function ask(region: Region, call: string, data: object) {
    let id = '';
    const answer = await untilServed(() => {
      id = randomUUID();
      return send(region.door, prepare(world.demo, call, data, { headers: { 'x-request-id': id } }));
    });
    return { ...answer, id };
  }
  const visit = (region: Region, room: string) => untilServed(() => join(region.door, room));
  const other = (region: Region) => (region === world.eu ? world.us : world.eu);

  /** Makes a domain in eu-1, which both copies know. */
  async function makeDomain(): Promise<string> {
    const name = `${fresh()}.localhost`;
    await world.eu.admin('POST', 'domains', { name, account: 'demo' });
    for (const region of [world.eu, world.us]) await copies.renew(region);
    return name;
  }

  /** Tries to book at a front door: it is done in `home` and nowhere else, or honestly refused and done nowhere. */
  async function tryAt(door: Region, domain: string, home: Region): Promise<number> {
    const roomName = fresh();
    const validUntil = new Date(Date.now() + 3_600_000).toISOString();
    const { status, headers, body } = await ask(door, 'booking/add', { domain, roomName, validUntil });
    const done = status === 200;
    if (!done) expect(HONEST).toContain(status);
    expect({ isError: body.isError, data: body.data }).toEqual({ isError: !done, data: null });
    // At most one region is named as the home, and the one that refuses does not name itself.
    expect(headers['x-home-region'] ?? '').toMatch(/^(?:eu-1|us-1)?$/);
    expect((await home.tablesWith(roomName)).includes('Booking')).toBe(done);
    expect(await other(home).tablesWith(roomName)).toEqual([]);
    return status;
  }

  /** How often the routers were sent the request of this id. */
  async function arrivals(id: string): Promise<Record<string, number>> {
    const count = async ({ id: region }: Region) =>
      (await world.parley.log(`${region}-region-router`, Infinity)).split('\n').filter((line) => line.includes(id))
        .length;
    return { eu: await count(world.eu), us: await count(world.us) };
  }

  /** Nobody asks for ever: one router passes the call on, once, and the other one does not. */
  async function expectOneHop(door: Region, call: string, data: object): Promise<void> {
    const { status, body, id } = await ask(door, call, data);
    expect(HONEST).toContain(status);
    expect({ isError: body.isError, data: body.data }).toEqual({ isError: true, data: null });
    expect(body.errMsg).not.toBe('');
    await eventually(
      async () => Object.values(await arrivals(id)).every((count) => count === 1),
      async () => `one line about the call in each router's log, not ${JSON.stringify(await arrivals(id))}`,
      45_000,
    );
  }

  async function move(domain: string): Promise<void> {
    let status: Record<string, unknown> = {};
    await eventually(
      async () => {
        status = await world.eu.admin('POST', `domains/${domain}/move`, { to: 'us-1', closeRooms: true });
        return status.phase === 'done';
      },
      () => `the move of ${domain} to end; it says ${JSON.stringify(status)}`,
      180_000,
    );
  }

  it('a directory that still names the old home after a move: right or honest, never a write there', async () => {
    const { eu, us, parley, demo } = world;
    const domain = await makeDomain();
    for (const door of [eu, us]) expect(await tryAt(door, domain, eu)).toBe(200);
    const backEnd = new BackEnd({ ...parley.run, account: demo });
    const { robotId } = (await backEnd.rest('POST', '/v1/robots', { domain, name: 'robot' })).body;
    const hook = (await ask(eu, 'webhook/add', { domain, type: 'robot', robotId })).body.data as { id: number };
    const validateAt = async (door: Region) => {
      const { status, body } = await ask(door, 'webhook/validate', { id: hook.id });
      // Not, above all, that there is no such webhook.
      if (status === 200) expect(body.data).toEqual({ validated: true });
      else expect(HONEST).toContain(status);
      return status;
    };

    await move(domain);
    // Both copies are as they were before the move, and so is what both routers remember.
    for (const door of [eu, us]) {
      expect(HONEST).toContain(await tryAt(door, domain, us));
      await validateAt(door);
      const visitor = await visit(door, `${domain}/room`);
      expect(HONEST).toContain(visitor.status);
      expect(visitor.body).toMatchObject({ status: visitor.status, code: expect.any(String) as unknown });
    }

    // The old home learns of it, the new one not yet: its router believes the other one, and its api knows.
    await copies.renew(eu);
    expect(await tryAt(eu, domain, us)).toBe(200);
    expect((await visit(eu, `${domain}/room`)).body).toMatchObject({
      signalingUrl: `${us.door.replace('http', 'ws')}/spreed`,
    });
    await tryAt(us, domain, us);
    for (const door of [eu, us]) await validateAt(door);

    await copies.renew(us);
    for (const door of [eu, us]) {
      expect(await tryAt(door, domain, us)).toBe(200);
      // That an id had not moved is remembered for 5 s.
      await eventually(
        async () => (await validateAt(door)) === 200,
        `the webhook to be found by its id at ${door.id}`,
        60_000,
      );
    }
  }, 600_000);

  it.each([
    ['as of the same move', 1, 1],
    ['the home as of a later move', 3, 2],
    ['the other one as of a later move', 2, 3],
  ])(
    'two routers that each believe the other region is home, %s: one hop, an honest end',
    async (_which, inEu, inUs) => {
      const { eu, us } = world;
      const domain = `${fresh()}.localhost`;
      await eu.admin('POST', 'domains', { name: domain, account: 'demo' });
      await copies.say(eu, domain, { region: 'us-1', epoch: inEu });
      await copies.say(us, domain, { region: 'eu-1', epoch: inUs });
      for (const door of [eu, us]) {
        expect(HONEST).toContain(await tryAt(door, domain, eu));
        await expectOneHop(door, 'room/init', { id: `${domain}/${fresh()}` });
        await expectOneHop(door, 'room/list', { domain });
        expect(HONEST).toContain((await visit(door, `${domain}/room`)).status);
      }
      expect(await us.tablesWith(domain)).toEqual(['DirectoryDomain']);
    },
    240_000,
  );

  it('two routers that each believe a webhook to be in the other region: one hop, an honest end', async () => {
    const { eu, us } = world;
    const id = 1_024 * 900_001 + 1;
    await copies.sayMoved(eu, id, 'us-1');
    await copies.sayMoved(us, id, 'eu-1');
    for (const door of [eu, us]) {
      await expectOneHop(door, 'webhook/validate', { id });
      await expectOneHop(door, 'webhook/remove', { id });
    }
  }, 240_000);

  it.each(['eu-1', 'us-1'])(
    'two regions whose data each say that the other is home, while the directory says %s',
    async (region) => {
      const { eu, us } = world;
      const domain = `${fresh()}.localhost`;
      await eu.admin('POST', 'domains', { name: domain, account: 'demo' });
      await queryDatabase(eu.run.postgresUrl, `UPDATE "Domain" SET region = 'us-1' WHERE name = $1`, [domain]);
      for (const each of [eu, us]) await copies.say(each, domain, { region, epoch: 1 });
      for (const door of [eu, us]) {
        expect(await tryAt(door, domain, eu)).toBe(421);
        const visitor = await visit(door, `${domain}/room`);
        expect([visitor.status, visitor.body.code]).toEqual([421, 'wrong_region']);
      }
      expect(await us.tablesWith(domain)).toEqual(['DirectoryDomain']);
    },
    240_000,
  );
});
