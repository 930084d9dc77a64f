import { randomBytes } from 'node:crypto';
import { eventually, startPostgres, type TestPostgres } from '@parley/testing';
import { ADMIN_KEY, startTestApi, type TestApi } from './running-api';

let api: TestApi;
let postgres: TestPostgres;
beforeAll(async () => {
  [api, postgres] = await Promise.all([startTestApi(), startPostgres()]);
});
afterAll(async () => {
  await api.close();
  await postgres.close();
});

describe('an api that comes up before its database', () => {
  it('is not ready, does not end, and lets the operator in as soon as the database is there', async () => {
    const name = `early_${randomBytes(6).toString('hex')}`;
    const early = await api.another({ DATABASE_URL: Object.assign(new URL(postgres.url), { pathname: name }).href });
    // A Redis that stands still for two seconds is failed as well.
    const says = (readiness: object) =>
      eventually(
        async () => {
          expect(await (await fetch(`${early.url}/health/ready`)).json()).toMatchObject(readiness);
          return true;
        },
        `the api to say ${JSON.stringify(readiness)}`,
      );
    await says({ status: 'not_ready', checks: { redis: 'ok', postgres: 'failed', 'bootstrap-key': 'failed' } });
    await postgres.createDatabase(name);
    await says({ status: 'ready', checks: { postgres: 'ok', 'bootstrap-key': 'ok' } });
    const accounts = await fetch(`${early.adminUrl}/v1/admin/accounts`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect([accounts.status, await accounts.json()]).toEqual([200, { accounts: [] }]);
    await early.close();
  });
});
