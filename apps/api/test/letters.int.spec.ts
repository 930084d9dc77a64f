import { RegionLetters } from '@parley/server-kit';
import { DOMAIN, openTestDatabase, startTestApi, type TestApi } from './running-api';

const SECRET = 'internal-secret-of-the-tests-0123456789';
const ARRIVING = 'arrives.example';

/** What a region that another release runs in writes for a domain's move. */
describe('letters that do not say of which step of a move they are', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api?.close());

  async function write(letter: object) {
    const path = `/internal/moves/${ARRIVING}`;
    const body = new Uint8Array(new RegionLetters(SECRET).seal(path, letter, new Date()));
    const answer = await fetch(api.url + path, { method: 'POST', body });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  }

  it('are taken, and are older than those that say it', async () => {
    const { prisma, close } = openTestDatabase(api);
    const {
      name: _,
      webhookKeySealed: __,
      ...settings
    } = await prisma.domain.findUniqueOrThrow({
      where: { name: DOMAIN },
    });
    const row = { ...settings, name: ARRIVING, region: 'us-1', movingTo: 'eu-1', webhookKeySealed: 'hook' };
    const booking = { id: 'bk_1', domainName: ARRIVING, roomName: 'b', validUntil: '2030-01-01T00:00:00Z' };
    const ok = { status: 200, json: { answer: null } };
    const put = { act: 'put', table: 'Booking', rows: [{ ...booking, createdAt: '2026-01-01T00:00:00Z' }] };
    expect(await write({ act: 'prepare', row })).toEqual(ok);
    expect(await write(put)).toEqual(ok);
    expect(await prisma.booking.count({ where: { domainName: ARRIVING } })).toBe(1);
    expect(await write({ act: 'abandon' })).toEqual(ok);
    expect(await prisma.domain.count({ where: { name: ARRIVING } })).toBe(0);

    expect(await write({ act: 'prepare', row, asOf: new Date().toISOString() })).toEqual(ok);
    for (const letter of [{ act: 'prepare', row }, put, { act: 'abandon' }]) {
      expect(await write(letter)).toMatchObject({ status: 409 });
    }
    expect(await prisma.domain.count({ where: { name: ARRIVING } })).toBe(1);
    await close();
  });
});
