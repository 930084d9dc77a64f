import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createDirectory } from '@parley/persistence';
import { eventually } from '@parley/testing';
import { backEnd } from './running-api';
import { callOnce, DEMO, DOMAIN, relaying, startTwoRegions, type TwoRegions } from './two-regions';

// Two regions start for each.
jest.setTimeout(180_000);

let world: TwoRegions;
let dispatchers: ReturnType<typeof relaying>[];
beforeEach(async () => {
  world = await startTwoRegions();
  dispatchers = [relaying(world.eu), relaying(world.us)];
});
afterEach(async () => {
  await Promise.all(dispatchers.map((each) => each.stop()));
  await world.close();
});

const MOVE = `domains/${DOMAIN}/move`;
const WISH = { to: 'us-1', closeRooms: true };

/** Begins the move and steps until the domain is frozen: transactions that are under way are waited for. */
async function copying(): Promise<Record<string, unknown>> {
  for (let steps = 0; steps < 500; steps += 1) {
    const { status, json } = await world.eu.admin('POST', MOVE, WISH);
    if (status !== 503 && json['phase'] !== 'freezing') return json;
  }
  throw new Error('the domain is not frozen');
}

/** Steps until the move is done, repeating what a busy database put off; prints what stood in the way. */
async function finish(): Promise<Record<string, unknown>> {
  let last = '';
  for (let steps = 0; steps < 500; steps += 1) {
    const { status, json } = await world.eu.admin('POST', MOVE, WISH);
    last = `${status} ${JSON.stringify(json)}`;
    if (status !== 200 && status !== 503) throw new Error(last);
    if (json['phase'] === 'done') return json;
  }
  throw new Error(`the move does not end: ${last}`);
}

test('a domain moves with its rooms, bookings and webhooks; its old home says where it is', async () => {
  const eu = backEnd(world.eu.url, DEMO);
  const { data: hook } = await eu('webhook/add', { domain: DOMAIN, type: 'url', url: 'http://127.0.0.1:9/hook' });
  await eu('booking/add', { domain: DOMAIN, roomName: 'later', validUntil: Date.parse('2030-01-01') });
  expect(await eu('room/init', { id: `${DOMAIN}/open`, password: 'a-room-password' })).toMatchObject({
    isError: false,
  });

  const plan = await world.eu.admin('POST', `${MOVE}/plan`, { to: 'us-1' });
  expect(plan.json).toMatchObject({ from: 'eu-1', to: 'us-1', openRooms: 1, obstacles: [] });
  const refused = await world.eu.admin('POST', MOVE, { to: 'us-1' });
  expect(refused).toMatchObject({ status: 409, json: { code: 'conflict', detail: `1 rooms of ${DOMAIN} are open.` } });

  expect(await finish()).toMatchObject({ phase: 'done', to: 'us-1', waitingFor: null });

  const us = backEnd(world.us.url, DEMO);
  expect((await us('booking/list', { domain: DOMAIN })).data).toHaveLength(1);
  expect((await us('webhook/list', { domain: DOMAIN })).data).toEqual([
    expect.objectContaining({ id: (hook as { id: number }).id }),
  ]);
  expect(await us('room/init', { id: `${DOMAIN}/open` })).toMatchObject({ isError: false });
  expect((await world.us.admin('GET', `domains/${DOMAIN}`)).json).toMatchObject({ region: 'us-1', movingTo: null });
  // Who comes late, by way of a stale router or none.
  expect(await callOnce(world.eu.url, 'room/init', { id: `${DOMAIN}/open` })).toEqual({
    status: 421,
    errMsg: 'The domain has moved to another region.',
  });
  expect((await world.eu.admin('GET', `domains/${DOMAIN}`)).status).toBe(404);
  expect((await world.eu.admin('GET', MOVE)).json).toMatchObject({ phase: 'done' });
  const actions = async (region: typeof world.eu) =>
    ((await region.admin('GET', 'audit')).json['entries'] as { action: string }[]).map(({ action }) => action);
  expect(await actions(world.eu)).toEqual(expect.arrayContaining(['domain.move', 'domain.moved']));
  const logs = world.eu.logs() + world.us.logs();
  expect(logs).not.toContain('a-room-password');
  expect(logs).not.toContain('demo-secret');
});

test('writes are answered 503 with Retry-After while it moves, reads go on, and the api may be killed at any step', async () => {
  const eu = backEnd(world.eu.url, DEMO);
  await eu('booking/add', { domain: DOMAIN, roomName: 'later', validUntil: Date.parse('2030-01-01') });
  const phases: unknown[] = [];
  for (let steps = 0; phases.at(-1) !== 'done'; steps += 1) {
    if (steps > 200) throw new Error(`the move does not end: ${phases.join(', ')}`);
    const { json } = await world.eu.admin('POST', MOVE, WISH);
    phases.push(json['phase']);
    if (json['phase'] === 'copying' || json['phase'] === 'switching') {
      const write = await eu('booking/remove', { domain: DOMAIN, roomName: 'later' });
      expect(write).toMatchObject({ status: 503, isError: true });
      expect(write.headers.get('retry-after')).toBe('5');
      expect((await eu('booking/list', { domain: DOMAIN })).data).toHaveLength(1);
      expect(await callOnce(world.us.url, 'booking/list', { domain: DOMAIN })).toMatchObject({ status: 421 });
    }
    await Promise.all([world.eu.restart(), world.us.restart()]);
  }
  expect(phases).toEqual(expect.arrayContaining(['copying', 'switching', 'done']));
  expect((await backEnd(world.us.url, DEMO)('booking/list', { domain: DOMAIN })).data).toHaveLength(1);
});

test('a region that does not answer stops the move where it is, and taking it back needs that region', async () => {
  await world.us.api.close();
  expect((await world.eu.admin('POST', `${MOVE}/plan`, { to: 'us-1' })).json).toMatchObject({
    obstacles: [expect.stringContaining('us-1 cannot be asked')],
  });
  expect(await world.eu.admin('POST', MOVE, WISH)).toMatchObject({ status: 400 });
  await world.us.restart();
  expect(await copying()).toMatchObject({ phase: 'copying' });
  await world.us.api.close();
  expect(await world.eu.admin('POST', MOVE, WISH)).toMatchObject({ status: 503, json: { code: 'unavailable' } });
  expect(await world.eu.admin('DELETE', MOVE)).toMatchObject({ status: 503 });
  await world.us.restart();
  expect((await world.eu.admin('DELETE', MOVE)).status).toBe(204);
  const eu = backEnd(world.eu.url, DEMO);
  expect(await eu('room/init', { id: `${DOMAIN}/again` })).toMatchObject({ isError: false });
});

test('an account is given to a region; a rotation counts everywhere once all have heard of it', async () => {
  expect((await world.eu.admin('POST', 'accounts/demo/regions', { region: 'us-1' })).json).toMatchObject({
    rotating: false,
    regions: [{ region: 'us-1', version: 1, lags: false }],
  });
  const settled = async () => {
    const { json } = await world.eu.admin('GET', 'accounts/demo/regions');
    return json['rotating'] === false && !JSON.stringify(json).includes('"lags":true');
  };
  expect(await world.us.admin('POST', 'domains', { name: 'demo-us.example', account: 'demo' })).toMatchObject({
    status: 201,
  });
  const list = async (secret: string) => {
    const answers = await Promise.all(
      [world.eu, world.us].map(({ url }) => backEnd(url, { ...DEMO, secret })('room/list')),
    );
    return answers.map(({ status }) => status);
  };
  expect(await list(DEMO.secret)).toEqual([200, 200]);
  // Only the region that made it changes it.
  expect(await world.us.admin('POST', 'accounts/demo/rotate-secret')).toMatchObject({ status: 409 });

  // A region has a few seconds to hear of it, which a busy machine may take: then it is named, and hears of the next one.
  let first: Record<string, unknown> = {};
  for (let again = 0; again < 5 && first['accepted'] !== true; again += 1) {
    await eventually(settled, 'the rotation before to be over', 20_000);
    first = (await world.eu.admin('POST', 'accounts/demo/rotate-secret')).json;
  }
  expect(first).toMatchObject({ accepted: true, lagging: [] });
  expect(await list(String(first['secret']))).toEqual([200, 200]);
  // The old one is void with the copies after that.
  await eventually(settled, 'us-1 to hear that the rotation is over', 20_000);
  expect(await list(DEMO.secret)).toEqual([401, 401]);

  await world.us.api.close();
  const second = (await world.eu.admin('POST', 'accounts/demo/rotate-secret')).json;
  expect(second).toMatchObject({ accepted: false, lagging: ['us-1'] });
  const both = await Promise.all(
    [first, second].map(({ secret }) => backEnd(world.eu.url, { ...DEMO, secret: String(secret) })('room/list')),
  );
  expect(both.map(({ status }) => status)).toEqual([200, 200]);
  await world.us.restart();
  await eventually(settled, 'us-1 to be told', 20_000);
  expect(await list(String(second['secret']))).toEqual([200, 200]);
  expect(await list(String(first['secret']))).toEqual([401, 401]);
  expect(world.eu.logs() + world.us.logs()).not.toContain(String(second['secret']));
});

test('regions are listed, entered, changed and removed', async () => {
  const region = { id: 'ap-1', number: 3, apiUrl: 'https://ap.example/', signalingUrl: 'wss://ap.example' };
  expect(await world.eu.admin('POST', 'regions', region)).toMatchObject({
    status: 201,
    json: { apiUrl: 'https://ap.example', state: 'serving', position: null, version: 1 },
  });
  expect(await world.eu.admin('POST', 'regions', { ...region, id: 'ap-2' })).toMatchObject({ status: 409 });
  const position = { latitude: 1.35, longitude: 103.8 };
  expect(await world.us.admin('PATCH', 'regions/ap-1', { state: 'draining', position })).toMatchObject({
    status: 200,
    json: { state: 'draining', position, version: 2, apiUrl: 'https://ap.example' },
  });
  expect(await world.us.admin('PATCH', 'regions/ap-1', { position: { latitude: 91, longitude: 0 } })).toMatchObject({
    status: 400,
  });
  const ids = ((await world.eu.admin('GET', 'regions')).json['regions'] as { id: string }[]).map(({ id }) => id);
  expect(ids).toEqual(['eu-1', 'us-1', 'ap-1']);
  expect(await world.eu.admin('DELETE', 'regions/eu-1')).toMatchObject({ status: 409 });
  expect(await world.eu.admin('DELETE', 'regions/ap-1')).toMatchObject({ status: 204 });
  expect(await world.eu.admin('DELETE', 'regions/ap-1')).toMatchObject({ status: 404 });
  expect(await world.eu.admin('PATCH', 'regions/ap-1', { state: 'serving' })).toMatchObject({ status: 404 });
  // Its id and its number stand in ids that may be about: both are its own for ever.
  expect(await world.us.admin('POST', 'regions', { ...region, id: 'ap-2' })).toMatchObject({ status: 409 });
  expect(await world.us.admin('POST', 'regions', { ...region, number: 4 })).toMatchObject({ status: 409 });
  expect(await world.us.admin('POST', 'regions', region)).toMatchObject({ status: 201, json: { state: 'serving' } });
  expect(await world.eu.admin('DELETE', 'regions/ap-1')).toMatchObject({ status: 204 });
});

test('nothing goes between the regions in the clear, and a letter that is not ours is nowhere', async () => {
  const heard: Buffer[] = [];
  const between = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const body = Buffer.concat(chunks);
        heard.push(body);
        void fetch(`${world.us.url}${request.url ?? ''}`, { method: 'POST', body: new Uint8Array(body) }).then(
          async (answer) => response.writeHead(answer.status).end(await answer.text()),
        );
      });
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  const { port } = between.address() as AddressInfo;
  const directory = createDirectory({ url: world.directoryUrl });
  await directory.changes.changeRegion('us-1', { apiUrl: `http://127.0.0.1:${port}` });
  await directory.close();
  await world.eu.admin('POST', 'accounts/demo/regions', { region: 'us-1' });
  between.close();
  // Whoever makes up for what regions lack, every few seconds, may have written it once more meanwhile.
  expect(heard.length).toBeGreaterThan(0);
  for (const letter of heard) {
    expect(letter.length).toBeGreaterThan(100);
    expect(letter.includes('demo')).toBe(false);
  }
  const [letter = Buffer.alloc(0)] = heard;
  const post = async (path: string, body: Buffer) =>
    (await fetch(`${world.us.url}${path}`, { method: 'POST', body: new Uint8Array(body) })).status;
  expect(await post('/internal/accounts/demo', letter)).toBe(200);
  expect(await post('/internal/accounts/other', letter)).toBe(404);
  expect(await post(`/internal/moves/${DOMAIN}`, letter)).toBe(404);
  expect(await post('/internal/accounts/demo', Buffer.from('{}'))).toBe(404);
});
