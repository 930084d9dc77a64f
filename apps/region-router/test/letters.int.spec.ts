import { InternalAuth } from '@parley/server-kit';
import { SECRET, seenBy, startTwoRegions, type TwoRegions } from './two-regions';

let regions: TwoRegions;
beforeAll(async () => {
  regions = await startTwoRegions();
});
afterAll(() => regions.close());

const PATH = '/internal/moves/us.example';

async function write(path: string, { secret = SECRET, hops = 1, method = 'POST' } = {}) {
  const { us } = regions;
  const header = new InternalAuth(secret).sign({ method, path, from: 'api@eu-1', hops }, new Date());
  const before = seenBy(us).length;
  const body = method === 'POST' ? { body: 'a letter' } : {};
  const { status } = await fetch(us.url + path, { method, headers: { 'x-parley-internal': header }, ...body });
  return { status, arrived: seenBy(us).length > before };
}

test('what another region writes reaches the api of this one, when it is signed', async () => {
  expect(await write(PATH)).toMatchObject({ arrived: true });
  expect(await write('/internal/accounts/demo')).toMatchObject({ arrived: true });
});

test('nobody else gets there, nor anybody anywhere else', async () => {
  const { us } = regions;
  const before = seenBy(us).length;
  expect((await fetch(us.url + PATH, { method: 'POST', body: 'x' })).status).toBe(404);
  expect(seenBy(us)).toHaveLength(before);
  const forged = await write(PATH, { secret: 'another-secret-of-32-characters-000!' });
  expect(forged).toEqual({ status: 400, arrived: false });
  expect(await write(PATH, { method: 'GET' })).toEqual({ status: 404, arrived: false });
  expect(await write('/internal/other')).toEqual({ status: 404, arrived: false });
  expect(await write('/v1/admin/keys')).toEqual({ status: 404, arrived: false });
  expect(await write('/internal/moves/..%2f..%2f..%2fv1/admin/keys')).toEqual({ status: 404, arrived: false });
});
