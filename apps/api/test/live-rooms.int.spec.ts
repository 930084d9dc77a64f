import { brandAs, type ReplicaId, type RoomSessionId, type SessionId, type TenantKey } from '@parley/domain';
import { createRedisLive, type Live, parseRedisTarget, type SessionRecord } from '@parley/live';
import { eventually } from '@parley/testing';
import { done, freshNames, id, refused } from './expected';
import { backEnd, DOMAIN, openTestDatabase, startTestApi, type TestApi } from './running-api';

let api: TestApi;
let call: ReturnType<typeof backEnd>;
const fresh = freshNames();

beforeAll(async () => {
  api = await startTestApi();
  call = backEnd(api.url, api.demo);
});
afterAll(() => api.close());

describe('live sessions', () => {
  let serial = 0;
  let live: Live;
  beforeAll(() => {
    live = createRedisLive({ replica: brandAs<ReplicaId>('gw-test'), redis: parseRedisTarget(api.redis.url) });
  });
  afterAll(() => live.close());

  /** Puts somebody into the room as a gateway would; answers the id and what they are told. */
  async function enter(room: string, role: 'host' | 'guest') {
    const name = room.slice(DOMAIN.length + 1);
    const told: string[] = [];
    serial += 1;
    const session = await live.sessions.open(record(`s${serial}`), {
      deliver: ({ event }) => told.push(event.kind),
      ended: (reason) => told.push(reason),
    });
    const outcome = await session.join({
      room: await roomSession(name),
      policy: { version: 1, type: 'conference', locked: false, capacity: 100, passwordVersion: 0, hasHostKey: false },
      role,
      passwordVersion: 'exempt',
      passesLock: true,
      member: { kind: 'client', userId: '' },
    });
    expect(outcome.kind).toBe('joined');
    return { id: session.record.id, told };
  }

  it('are listed with their peer types, refuse destroy, and hear of kick and end', async () => {
    const room = id(fresh());
    await call('room/init', { id: room });
    const [host, guest] = [await enter(room, 'host'), await enter(room, 'guest')];
    const listed = await call('room/list', { domain: DOMAIN });
    expect((listed.data as Record<string, Record<string, unknown>>)[DOMAIN]?.[room]).toEqual({
      options: { type: 1, isLocked: false, password: null },
      clients: [
        { id: host.id, type: 1 },
        { id: guest.id, type: 2 },
      ],
    });
    expect(await call('room/destroy', { id: room })).toEqual(done(false));
    expect(await call('room/kickOut', { id: room, peerId: 'nobody' })).toEqual(refused('no such peer'));
    expect(await call('room/kickOut', { id: room, peerId: guest.id })).toEqual(done(null));
    await eventually(
      () => guest.told.includes('kicked'),
      () => `the guest to hear of the kick; heard: ${guest.told.join(', ')}`,
    );
    expect(await call('room/destroy', { id: room, forceKick: true })).toEqual(done(true));
    await eventually(
      () => host.told.some((event) => event === 'room-closed' || event === 'kicked'),
      () => `the host to hear of the end; heard: ${host.told.join(', ')}`,
    );
    expect(await call('room/destroy', { id: room })).toEqual(refused('no such room'));
  });

  it('are all thrown out with peerId all', async () => {
    const room = id(fresh());
    await call('room/init', { id: room });
    await enter(room, 'guest');
    await enter(room, 'guest');
    expect(await call('room/kickOut', { id: room, peerId: 'all' })).toEqual(done(null));
    expect(await call('room/destroy', { id: room })).toEqual(done(true));
  });

  /** The session of the open room, as only the database knows it. */
  async function roomSession(name: string): Promise<RoomSessionId> {
    const database = openTestDatabase(api);
    const room = await database.stores.rooms.findOpen(brandAs(DOMAIN), brandAs(name));
    await database.close();
    if (room === null) throw new Error(`the room ${name} is not open`);
    return room.id;
  }

  function record(sessionId: string): SessionRecord {
    return {
      id: brandAs<SessionId>(sessionId),
      tenant: brandAs<TenantKey>(`domain:${DOMAIN}`),
      kind: 'client',
      userId: '',
      features: [],
      dialect: 'test',
      resumeVerifier: '0'.repeat(64),
      attributes: {},
    };
  }
});
