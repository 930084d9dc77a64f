import { RegionLetters } from '@parley/server-kit';
import { backEnd, DOMAIN, openTestDatabase, startTestApi, type TestApi } from './running-api';

const SECRET = 'internal-secret-of-the-tests-0123456789';

/** What another region's router asks when a call names no domain. */
describe('whose something is', () => {
  let api: TestApi;
  let webhook: number;
  beforeAll(async () => {
    api = await startTestApi();
    const added = await backEnd(api.url, api.demo)('webhook/add', {
      domain: DOMAIN,
      type: 'url',
      url: 'http://127.0.0.1:9/x',
    });
    webhook = (added.data as { id: number }).id;
    const database = openTestDatabase(api);
    const ofDomain = { domainName: DOMAIN };
    await database.prisma.robot.create({ data: { ...ofDomain, id: 3073n, name: 'r' } });
    const told = { ...ofDomain, id: 'evt_eu-1_1', seq: 1, type: 'room.created', payload: {}, occurredAt: new Date() };
    await database.prisma.outboxEvent.create({ data: told });
    const delivery = { id: 'dlv_eu-1_1', eventId: told.id, webhookId: BigInt(webhook) };
    await database.prisma.webhookDelivery.create({ data: delivery });
    await database.close();
  });
  afterAll(() => api?.close());

  async function ask(kind: string, id: string, secret = SECRET) {
    const path = `/internal/owners/${kind}/${encodeURIComponent(id)}`;
    const body = new Uint8Array(new RegionLetters(secret).seal(path, {}, new Date()));
    const answer = await fetch(api.url + path, { method: 'POST', body });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  }

  const known = () => [
    ['webhook', String(webhook)],
    ['robot', '3073'],
    ['delivery', 'dlv_eu-1_1'],
    ['domain', DOMAIN],
  ];

  it('is told to other regions, with whether that is strictly resident', async () => {
    for (const strict of [false, true, false]) {
      const database = openTestDatabase(api);
      await database.prisma.domain.update({ where: { name: DOMAIN }, data: { strictResidency: strict } });
      await database.close();
      for (const [kind = '', id = ''] of known()) {
        expect({ kind, ...(await ask(kind, id)) }).toEqual({
          kind,
          status: 200,
          json: { answer: { domain: DOMAIN, strict } },
        });
      }
    }
  });

  it.each([
    ['webhook', '1'],
    ['webhook', 'x'],
    ['webhook', '9999999999999999'],
    ['robot', '3074'],
    ['delivery', 'dlv_eu-1_2'],
    ['delivery', 'a\0b'],
    ['domain', 'nobody.example'],
    ['account', 'demo'],
  ])('is nobody for %s %j', async (kind, id) => {
    expect(await ask(kind, id)).toEqual({ status: 200, json: { answer: null } });
  });

  it('is told to nobody else', async () => {
    expect((await ask('domain', DOMAIN, 'another-secret-of-32-characters-000!')).status).toBe(404);
    expect((await fetch(`${api.url}/internal/owners/domain/${DOMAIN}`, { method: 'POST', body: '{}' })).status).toBe(
      404,
    );
  });
});
