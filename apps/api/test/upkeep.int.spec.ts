import {
  brandAs,
  type DomainName,
  type ReplicaId,
  type RoomSessionId,
  type SessionId,
  type TenantKey,
} from '@parley/domain';
import { createRedisLive, parseRedisTarget, type Live } from '@parley/live';
import { hearOutboxBell } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import Redis from 'ioredis';
import { backEnd, DOMAIN, openTestDatabase, startTestApi, type TestApi } from './running-api';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
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
    async () => (await database.prisma.room.findFirstOrThrow({ where: { name: 'over' } })).closedAt !== null,
    'the room to be closed by a loop',
    20_000,
  );
  expect(await call('room/destroy', { id: `${DOMAIN}/over` })).toMatchObject({ isError: true });
  const events = await database.prisma.outboxEvent.findMany({ where: { roomName: 'over' }, orderBy: { seq: 'asc' } });
  expect(events.map(({ type }) => type)).toEqual(['room.created', 'room.removed']);
  await Promise.all([database.close(), replica.close()]);
});

it('ends bookings whose time is up and tells of each once, whichever replica acts', async () => {
  const replica = await api.another();
  const call = backEnd(api.url, api.demo);
  const validUntil = new Date(Date.now() + 3_600_000).toISOString();
  for (const roomName of ['lapsed-1', 'lapsed-2']) await call('booking/add', { domain: DOMAIN, roomName, validUntil });
  const database = openTestDatabase(api);
  await database.prisma.booking.updateMany({ data: { validUntil: new Date(Date.now() - 1_000) } });
  const told = async () => {
    const events = await database.prisma.outboxEvent.findMany({ where: { roomName: { startsWith: 'lapsed-' } } });
    return events.map(({ roomName, seq, type }) => `${roomName} ${seq} ${type}`).sort();
  };
  const expected = ['lapsed-1', 'lapsed-2'].flatMap((name) => [`${name} 1 booking.added`, `${name} 2 booking.expired`]);
  await eventually(
    async () => (await told()).length >= expected.length,
    async () => `${expected.join()}; there is ${(await told()).join()}`,
    20_000,
  );
  expect(await told()).toEqual(expected);
  expect(await database.prisma.booking.count({ where: { roomName: { startsWith: 'lapsed-' } } })).toBe(0);
  await Promise.all([database.close(), replica.close()]);
});

it('tells of peers whose gateway did not live to tell, and of those it kicks and shuts out itself', async () => {
  const call = backEnd(api.url, api.demo);
  const database = openTestDatabase(api);
  const events = ['peer.joined', 'peer.left'] as const;
  const domain = brandAs<DomainName>(DOMAIN);
  const target = { type: 'url', url: 'https://receiver.example/' } as const;
  const { id: webhook } = await database.uow.run((stores) =>
    stores.webhooks.insert({ domain, target, events }, new Date()),
  );
  await database.prisma.webhook.update({ where: { id: webhook }, data: { validated: true, provenAt: new Date() } });
  await call('room/init', { id: `${DOMAIN}/visited`, addHostKey: true });
  const { id: room } = await database.prisma.room.findFirstOrThrow({ where: { name: 'visited' } });
  // A gateway that tells nobody.
  const replica = brandAs<ReplicaId>('silent');
  const live = createRedisLive({ replica, redis: parseRedisTarget(api.redis.url) });
  const names = { ann: brandAs<SessionId>('ann'), bob: brandAs<SessionId>('bob') };
  for (const [userId, id] of Object.entries(names)) await enter(live, brandAs<RoomSessionId>(room), id, userId);
  const told = async () => {
    const rows = await database.prisma.outboxEvent.findMany({
      where: { roomName: 'visited' },
      orderBy: { seq: 'asc' },
    });
    return rows.map(({ type, payload }) => [type, (payload as { userId?: string }).userId ?? ''].join(' ').trim());
  };
  const becomes = (...expected: string[]) =>
    eventually(
      async () => JSON.stringify(await told()) === JSON.stringify(expected),
      async () => `${expected.join()}; there is ${(await told()).join()}`,
      30_000,
    );
  const both = ['room.created', 'peer.joined ann', 'peer.joined bob'];
  await becomes(...both);
  await call('room/kickOut', { id: `${DOMAIN}/visited`, peerId: names.bob });
  await becomes(...both, 'peer.left bob');
  await call('room/destroy', { id: `${DOMAIN}/visited`, forceKick: true });
  await becomes(...both, 'peer.left bob', 'peer.left ann', 'room.removed');
  await live.close();
  await database.close();
});

async function enter(live: Live, room: RoomSessionId, id: SessionId, userId: string): Promise<void> {
  const tenant = brandAs<TenantKey>(`domain:${DOMAIN}`);
  const record = { id, tenant, kind: 'client', userId, features: [], dialect: 'test', attributes: {} } as const;
  const sink = { deliver: () => undefined, ended: () => undefined };
  const session = await live.sessions.open({ ...record, resumeVerifier: 'none' }, sink);
  const policy = {
    version: 1,
    type: 'conference',
    locked: false,
    capacity: 9,
    passwordVersion: 0,
    hasHostKey: true,
  } as const;
  const door = { role: 'guest', passwordVersion: 'exempt', passesLock: true } as const;
  await session.join({ room, policy, ...door, member: { kind: 'client', userId } });
}

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
  await eventually(async () => (await fetch(`${replica.url}/health/ready`)).ok, 'the replica to be ready');
  expect(await (await fetch(`${replica.adminUrl}/health/ready`)).json()).toMatchObject({ status: 'ready' });
  await replica.close();
  await expect(fetch(`${replica.url}/health/live`)).rejects.toThrow();
  await expect(fetch(`${replica.adminUrl}/health/live`)).rejects.toThrow();
});
