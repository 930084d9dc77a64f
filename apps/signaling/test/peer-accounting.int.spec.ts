import { randomUUID } from 'node:crypto';
import {
  brandAs,
  cryptoIds,
  isDomainError,
  PEER_TELLING,
  PeerTelling,
  RoomService,
  type LivePeers,
  type ReplicaId,
  type Room,
  type RoomName,
  type RoomSessionId,
  type SessionId,
  type TenantKey,
  type UnitOfWork,
} from '@parley/domain';
import { createRedisLive, parseRedisTarget, type Live, type LiveTimes, type OwnedSession } from '@parley/live';
import { Gatherer } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import Redis from 'ioredis';
import { DOMAIN, TestRegion } from './gateway';

/** Every stay in a room is told once, whatever breaks. A stay is a session and its place in the order of arrival. */
type Stay = `${SessionId} ${number}`;

/** Nobody waits for a dead replica or a join that is never done: nor may who stands still for a moment be taken for one. */
const TIMES: Partial<LiveTimes> = {
  resumeWindowMs: 20_000,
  heartbeatMs: 100,
  deadAfterMs: 10_000,
  checkpointMs: 50,
  reannounceMs: 400,
  halfDoneJoinMs: 10_000,
  generationGraceMs: 1_000,
};
const TENANT = brandAs<TenantKey>(`domain:${DOMAIN}`);
const clock = { now: () => new Date() };
const logger = { warn: (fields: object) => console.warn(fields), debug: () => undefined };

let region: TestRegion;
const open: Live[] = [];
const copiers: Gatherer<RoomSessionId>[] = [];
let number = 0;

beforeAll(async () => {
  region = await TestRegion.start();
  const target = { type: 'url', url: 'https://receiver.example/' } as const;
  const events = ['peer.joined', 'peer.left', 'host.joined'] as const;
  const { id } = await region.database.uow.run((stores) =>
    stores.webhooks.insert({ domain: DOMAIN, target, events }, new Date()),
  );
  await region.database.prisma.webhook.update({ where: { id }, data: { validated: true, provenAt: new Date() } });
}, 60_000);
afterEach(async () => {
  await Promise.all(copiers.splice(0).map((copier) => copier.close()));
  await Promise.all(open.splice(0).map((live) => live.close()));
});
afterAll(() => region.close());

function replica(times: Partial<LiveTimes> = {}): Live {
  const live = createRedisLive({
    replica: brandAs<ReplicaId>(`r-${randomUUID()}`),
    redis: parseRedisTarget(region.redis.url),
    times: { ...TIMES, ...times },
  });
  open.push(live);
  return live;
}

/** Tells what its replica rings for. */
function copy(live: Live): void {
  const telling = new PeerTelling(region.database.uow, live.rooms);
  const gatherer = new Gatherer<RoomSessionId>({
    ...PEER_TELLING,
    pauseMs: 20,
    work: (ids) => telling.tell(ids),
    logger,
  });
  live.events.onPeers((room) => gatherer.add(room));
  copiers.push(gatherer);
}

async function newRoom(live: Live): Promise<Room> {
  const account = await region.database.stores.tenancy.accountByAuthId('demo');
  if (account === null) throw new Error('the demo account is missing');
  const rooms = new RoomService(region.database.uow, live.rooms, clock, cryptoIds);
  return rooms.init(account.id, {
    domain: DOMAIN,
    name: brandAs<RoomName>(`accounts-${(number += 1)}`),
    addHostKey: true,
  });
}

/** Somebody who comes and goes, and keeps a record. */
class Peer {
  /** Stays that began for certain. Who comes back while a lost store is filled again may find its former place. */
  readonly stays: Stay[] = [];
  private session: OwnedSession | undefined;

  constructor(private readonly live: Live) {}

  get id(): SessionId | undefined {
    return this.session?.record.id;
  }

  /** What it is not sure of, because the store did not answer, is tried again with another session. */
  async come(room: Room): Promise<void> {
    await eventually(() => this.tryToCome(room), 'somebody to come in', 15_000);
  }

  async go(): Promise<void> {
    await this.session?.leave().catch(() => undefined);
  }

  private async tryToCome(room: Room): Promise<boolean> {
    try {
      this.session ??= await this.begin();
      const outcome = await this.session.join({
        room: room.id,
        policy: room.policy,
        role: 'guest',
        passwordVersion: 'exempt',
        passesLock: true,
        member: { kind: 'client', userId: '', displayName: 'Peer' },
      });
      if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.code}`);
      this.stays.push(`${outcome.self.sessionId} ${outcome.self.order}`);
      return true;
    } catch (error) {
      if (!isDomainError(error)) throw error;
      await this.session?.close().catch(() => undefined);
      this.session = undefined;
      return false;
    }
  }

  private async begin(): Promise<OwnedSession> {
    const id = brandAs<SessionId>(`peer.${randomUUID()}`);
    const record = { id, tenant: TENANT, kind: 'client', userId: '', features: [], dialect: 'test' } as const;
    const sink = { deliver: () => undefined, ended: () => (this.session = undefined) };
    return this.live.sessions.open({ ...record, resumeVerifier: 'x', attributes: {} }, sink);
  }
}

/** What was told of a room. Throws when somebody was told to come or go twice. */
async function told(room: RoomSessionId): Promise<{ stays: Stay[]; present: SessionId[] }> {
  const rows = await region.database.prisma.outboxEvent.findMany({
    where: { roomSessionId: room, type: { in: ['peer.joined', 'peer.left'] } },
    orderBy: { seq: 'asc' },
  });
  const present = new Set<SessionId>();
  const stays: Stay[] = [];
  for (const { type, payload, seq, occurredAt } of rows) {
    const id = brandAs<SessionId>((payload as { id: string }).id);
    if (type === 'peer.joined' ? present.has(id) : !present.has(id)) throw new Error(`${seq}: ${type} of ${id} again`);
    if (type === 'peer.left') present.delete(id);
    else {
      present.add(id);
      stays.push(`${id} ${occurredAt.getTime()}`);
    }
  }
  return { stays, present: [...present].sort() };
}

/** Everything that is in was told, and nobody else. */
async function agreed(live: Live, room: RoomSessionId): Promise<void> {
  const state = async () => ({
    told: (await told(room)).present,
    present: (await live.rooms.members(room)).map(({ sessionId }) => sessionId).sort(),
  });
  await eventually(
    async () => {
      const now = await state();
      return JSON.stringify(now.told) === JSON.stringify(now.present);
    },
    async () => `agreement: ${JSON.stringify(await state())}`,
    20_000,
  );
}

function times(all: readonly Stay[], stay: Stay): number {
  return all.filter((one) => one === stay).length;
}

async function pause(mostMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * mostMs));
}

test('every stay is told once while many come and go, and Redis loses everything again and again', async () => {
  const lives = [replica(), replica(), replica()] as const;
  lives.forEach(copy);
  const rooms = [await newRoom(lives[0]), await newRoom(lives[1])] as const;
  const peers = Array.from({ length: 18 }, (_, n) => new Peer(lives[n % 3] ?? lives[0]));
  let over = false;
  const crowd = peers.map(async (peer, n) => {
    const room = rooms[n % 2] ?? rooms[0];
    while (!over) {
      await peer.come(room);
      await pause(n < 6 ? 5 : 300);
      if (over && n % 3 === 0) return;
      await peer.go();
      await pause(30);
    }
  });
  const admin = new Redis(region.redis.url);
  const began = () => peers.flatMap(({ stays }) => stays).length;
  // The second time the room is not settled yet since the first.
  for (const more of [60, 20, 80, 40]) {
    const enough = began() + more;
    await eventually(
      () => began() >= enough,
      () => `${enough} stays, there are ${began()}`,
      30_000,
    );
    if (more !== 40) await admin.flushall();
  }
  over = true;
  await Promise.all(crowd);
  admin.disconnect();
  const sure = peers.flatMap(({ stays }) => stays);
  for (const { id } of rooms) await agreed(lives[0], id);
  const all = (await Promise.all(rooms.map(({ id }) => told(id)))).flatMap(({ stays }) => stays);
  expect(sure.filter((stay) => !all.includes(stay))).toEqual([]);
  const toldTooOften = all.filter((stay) => times(all, stay) > Math.max(1, times(sure, stay)));
  expect(toldTooOften).toEqual([]);
  // What nobody is sure of may be told as well; it is hardly ever there.
  expect(all.length - sure.length).toBeLessThan(sure.length / 2);
}, 90_000);

test('two who copy the same rooms at once, and one who dies in between, tell everything once', async () => {
  const [live, other] = [replica(), replica()];
  const room = await newRoom(live);
  const rival = new PeerTelling(region.database.uow, other.rooms);
  const telling = new PeerTelling(region.database.uow, live.rooms);
  // It has written everything, and is killed before the commit.
  const dying: UnitOfWork = {
    run: (work) =>
      region.database.uow.run(async (stores) => {
        const outcome = await work(stores);
        if (outcome !== undefined && !Array.isArray(outcome)) throw new Error('killed');
        return outcome;
      }),
  };
  const killed = new PeerTelling(dying, live.rooms);
  const peers = Array.from({ length: 10 }, () => new Peer(live));
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(peers.map((peer) => peer.come(room)));
    expect((await killed.tell([room.id])).failures).toHaveLength(1);
    await Promise.all([telling, rival, telling, rival].map((one) => one.tell([room.id])));
    await Promise.all(peers.slice(round).map((peer) => peer.go()));
  }
  await Promise.all([telling.sweep(), rival.sweep()]);
  await agreed(live, room.id);
  const { stays } = await told(room.id);
  // Who stayed for another round came into the same place again.
  expect(stays.sort()).toEqual([...new Set(peers.flatMap((peer) => peer.stays))].sort());
});

test('what a replica that is killed did not tell is told by others', async () => {
  const brief = { resumeWindowMs: 2_000 };
  const [live, other] = [replica(brief), replica(brief)];
  const room = await newRoom(live);
  const peers = Array.from({ length: 5 }, () => new Peer(live));
  await Promise.all(peers.map((peer) => peer.come(room)));
  await peers[0]?.go();
  const telling = new PeerTelling(region.database.uow, other.rooms);
  await telling.sweep();
  expect((await told(room.id)).present).toHaveLength(4);
  const { stays } = await told(room.id);
  await telling.sweep();
  expect((await told(room.id)).stays).toEqual(stays);
  // Nobody resumes them.
  await live.close();
  await eventually(async () => (await other.rooms.members(room.id)).length === 0, 'the window to pass', 15_000);
  await telling.sweep();
  expect(await told(room.id)).toEqual({
    present: [],
    stays: expect.arrayContaining(peers.flatMap(({ stays }) => stays)) as Stay[],
  });
});

test('who does not come back after Redis was lost is told to have gone, also when nobody is left', async () => {
  // The grace is looked at while it lasts.
  const long = { generationGraceMs: 3_500 };
  const [live, other] = [replica(long), replica(long)];
  const room = await newRoom(live);
  const [ann, bob] = [new Peer(live), new Peer(live)];
  await ann.come(room);
  await bob.come(room);
  const telling = new PeerTelling(region.database.uow, other.rooms);
  await telling.sweep();
  expect((await told(room.id)).present).toHaveLength(2);
  await live.close();
  const admin = new Redis(region.redis.url);
  await admin.flushall();
  admin.disconnect();
  const { again } = await telling.sweep();
  expect(again.get(room.id)).toBeGreaterThan(0);
  expect((await told(room.id)).present).toHaveLength(2);
  await eventually(async () => (await telling.sweep()).again.size === 0, 'the grace to pass');
  expect((await told(room.id)).present).toEqual([]);
  // An empty room that the store forgot waits for nobody.
  const flushed = new Redis(region.redis.url);
  await flushed.flushall();
  flushed.disconnect();
  await telling.sweep();
  const eve = new Peer(other);
  await eve.come(room);
  expect((await telling.tell([room.id])).again.size).toBe(0);
  expect((await told(room.id)).present).toEqual([eve.id]);
});

test('what was lost with Redis is told although it is told late', async () => {
  const live = replica();
  const room = await newRoom(live);
  live.events.onPeers(() => undefined);
  const telling = new PeerTelling(region.database.uow, live.rooms);
  const [ann, bob] = [new Peer(live), new Peer(live)];
  await ann.come(room);
  await telling.tell([room.id]);
  await bob.come(room);
  await bob.go();
  const admin = new Redis(region.redis.url);
  await admin.flushall();
  admin.disconnect();
  // Others settle the room meanwhile, who know nothing of it.
  const other: LivePeers = replica().rooms;
  const rival = new PeerTelling(region.database.uow, other);
  await eventually(async () => (await live.rooms.members(room.id)).length === 1, 'ann to be given back', 15_000);
  await eventually(async () => (await rival.tell([room.id])).again.size === 0, 'the grace to pass', 15_000);
  await telling.tell([room.id]);
  expect(await told(room.id)).toEqual({ present: [ann.id], stays: [...ann.stays, ...bob.stays] });
});
