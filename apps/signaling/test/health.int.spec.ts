import { eventually } from '@parley/testing';
import { TestRegion } from './gateway';
import { TcpGate } from './tcp-gate';

let region: TestRegion;
let gate: TcpGate;

beforeAll(async () => {
  region = await TestRegion.start();
  gate = await TcpGate.to(region.databaseUrl);
});

afterAll(async () => {
  await region?.close();
  await gate?.close();
});

test('a gateway whose database is away is given no more work and is not ended; it is ready again with the database', async () => {
  const database = new URL(region.databaseUrl);
  database.port = String(gate.port);
  const { url } = await region.replica({}, { DATABASE_URL: database.href });
  const ask = async (path: string) => {
    const answer = await fetch(`${url}/health/${path}`);
    return { status: answer.status, told: (await answer.json()) as Record<string, unknown> };
  };
  const untilReady = (status: number) =>
    eventually(async () => (await ask('ready')).status === status, `readiness to say ${status}`, 20_000);
  await untilReady(200);
  gate.lock();
  await eventually(async () => {
    const checks = { postgres: 'failed', redis: 'ok' };
    expect(await ask('ready')).toMatchObject({ status: 503, told: { status: 'not_ready', checks } });
    return true;
  }, 'readiness to be without PostgreSQL alone');
  expect(await ask('live')).toEqual({ status: 200, told: { status: 'alive' } });
  gate.unlock();
  await untilReady(200);
});
