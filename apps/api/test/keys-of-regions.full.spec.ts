import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createdAccountKeySchema } from '@parley/contracts';
import { createDirectory } from '@parley/persistence';
import { eventually } from '@parley/testing';
import { restClient } from './rest';
import { DEMO, startTwoRegions, type TwoRegions } from './two-regions';

const THERE = 'demo-us.example';
// Two regions start for each.
jest.setTimeout(120_000);

let world: TwoRegions;
beforeEach(async () => {
  world = await startTwoRegions();
  await world.eu.admin('POST', 'accounts/demo/regions', { region: 'us-1' });
  await world.us.admin('POST', 'domains', { name: THERE, account: 'demo' });
});
afterEach(() => world.close());

const signed = (region: 'eu' | 'us' = 'eu') => restClient(world[region].url, DEMO);
const inUs = async (key: string) => (await restClient(world.us.url, { key })('GET', `webhooks?domain=${THERE}`)).status;

async function madeKey(name: string) {
  const { status, json } = await signed()('POST', 'keys', { name });
  expect(status).toBe(201);
  return createdAccountKeySchema.parse(json);
}

/** A region has three seconds to hear of a change, which a busy machine may take: then it is named, and another is made. */
async function heardAtOnce<Change extends { readonly lagging: readonly string[] }>(
  make: (number: number) => Promise<Change>,
): Promise<Change> {
  let made = await make(1);
  for (let again = 2; made.lagging.length > 0 && again < 6; again += 1) made = await make(again);
  return made;
}

test('a bearer key is good in all regions of its account, and void in all of them', async () => {
  const { key, id, lagging } = await heardAtOnce((number) => madeKey(`ci-${number}`));
  expect(lagging).toEqual([]);
  expect(await inUs(key)).toBe(200);
  const robots = await restClient(world.us.url, { key })('GET', 'robots');
  expect([robots.status, robots.headers.get('x-parley-account-regions')]).toEqual([200, 'eu-1, us-1']);
  const revoked = await heardAtOnce(async (number) => {
    const gone = number === 1 ? { key, id } : await madeKey(`gone-${number}`);
    const { status, headers } = await signed()('DELETE', `keys/${gone.id}`);
    return { key: gone.key, status, lagging: headers.get('x-parley-lagging-regions')?.split(', ') ?? [] };
  });
  expect([revoked.status, revoked.lagging]).toEqual([204, []]);
  expect(await inUs(revoked.key)).toBe(401);
  const ofOperator = await heardAtOnce(async (number) =>
    createdAccountKeySchema.parse((await world.eu.admin('POST', 'accounts/demo/keys', { name: `ops-${number}` })).json),
  );
  expect([ofOperator.lagging, await inUs(ofOperator.key)]).toEqual([[], 200]);
});

test('keys are managed where the account was made, which the other regions name', async () => {
  for (const [method, path, body] of [
    ['GET', 'keys', undefined],
    ['POST', 'keys', { name: 'x' }],
    ['DELETE', 'keys/ak_eu-1_0123', undefined],
  ] as const) {
    const { status, headers, json } = await signed('us')(method, path, body);
    const named = [headers.get('x-parley-refused'), headers.get('x-parley-refused-region')];
    expect([status, ...named, json]).toMatchObject([421, 'not_home', 'eu-1', { code: 'wrong_region' }]);
  }
  expect(await world.us.admin('POST', 'accounts/demo/keys', { name: 'x' })).toMatchObject({ status: 409 });
});

test('regions that are away are named, and hear of keys when they are back', async () => {
  const old = await madeKey('old');
  await world.us.api.close();
  const made = await madeKey('made');
  expect(made.lagging).toEqual(['us-1']);
  const revoked = await signed()('DELETE', `keys/${old.id}`);
  expect([revoked.status, revoked.headers.get('x-parley-lagging-regions')]).toEqual([204, 'us-1']);
  await world.us.restart();
  await eventually(
    async () => (await inUs(made.key)) === 200 && (await inUs(old.key)) === 401,
    'us-1 to hear of both keys',
    60_000,
  );
});

test('a region that takes calls and never answers makes nobody wait long', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const directory = createDirectory({ url: world.directoryUrl, poolSize: 1 });
  const { port } = silent.address() as AddressInfo;
  await directory.changes.changeRegion('us-1', { apiUrl: `http://127.0.0.1:${port}` });
  await directory.close();
  const began = performance.now();
  const rotated = await world.eu.admin('POST', 'accounts/demo/rotate-secret');
  const took = performance.now() - began;
  silent.closeAllConnections();
  silent.close();
  expect(rotated.json).toMatchObject({ accepted: false, lagging: ['us-1'] });
  // 5 s; a move would wait 20 s for another region.
  expect(took).toBeLessThan(18_000);
});
