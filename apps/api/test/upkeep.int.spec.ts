import { hearOutboxBell } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import Redis from 'ioredis';
import { backEnd, DOMAIN, openTestDatabase, startTestApi, type TestApi } from './running-api';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
}, 60_000);
afterAll(() => api.close());

it('closes rooms whose time is up, whichever replica acts', async () => {
  const replica = await api.another();
  const call = backEnd(api.url, api.demo);
  await call('room/init', { id: `${DOMAIN}/over` });
  const database = openTestDatabase(api);
  await database.prisma.room.updateMany({
    where: { name: 'over' },
    data: { closeAfter: new Date(Date.now() - 1_000) },
  });
  await eventually(
    async () => (await call('room/destroy', { id: `${DOMAIN}/over` })).isError,
    'the room to be closed by a loop',
    10_000,
  );
  const events = await database.prisma.outboxEvent.findMany({ where: { roomName: 'over' }, orderBy: { seq: 'asc' } });
  expect(events.map(({ type }) => type)).toEqual(['room.created', 'room.removed']);
  await Promise.all([database.close(), replica.close()]);
});

it('ends bookings whose time is up and tells of each once, whichever replica acts', async () => {
  const replica = await api.another();
  const call = backEnd(api.url, api.demo);
  const validUntil = new Date(Date.now() + 1_500).toISOString();
  for (const roomName of ['lapsed-1', 'lapsed-2']) await call('booking/add', { domain: DOMAIN, roomName, validUntil });
  const database = openTestDatabase(api);
  const told = async () => {
    const events = await database.prisma.outboxEvent.findMany({ where: { roomName: { startsWith: 'lapsed-' } } });
    return events.map(({ roomName, seq, type }) => `${roomName} ${seq} ${type}`).sort();
  };
  const expected = ['lapsed-1', 'lapsed-2'].flatMap((name) => [`${name} 1 booking.added`, `${name} 2 booking.expired`]);
  await eventually(
    async () => (await told()).length >= expected.length,
    async () => `${expected.join()}; there is ${(await told()).join()}`,
    10_000,
  );
  expect(await told()).toEqual(expected);
  expect(await database.prisma.booking.count({ where: { roomName: { startsWith: 'lapsed-' } } })).toBe(0);
  await Promise.all([database.close(), replica.close()]);
});

it('wakes the outbox relay after a commit that wrote an event', async () => {
  const listener = new Redis(api.redis.url);
  let heard = 0;
  await hearOutboxBell(listener, () => (heard += 1));
  await backEnd(api.url, api.demo)('room/init', { id: `${DOMAIN}/told` });
  await eventually(() => heard > 0, 'the outbox bell');
  listener.disconnect();
});

it('is ready, says so, and ends without leaving anything behind', async () => {
  const replica = await api.another();
  expect((await fetch(`${replica.url}/health/ready`)).status).toBe(200);
  expect(await (await fetch(`${replica.adminUrl}/health/ready`)).json()).toMatchObject({ status: 'ready' });
  await replica.close();
  await expect(fetch(`${replica.url}/health/live`)).rejects.toThrow();
  await expect(fetch(`${replica.adminUrl}/health/live`)).rejects.toThrow();
});
