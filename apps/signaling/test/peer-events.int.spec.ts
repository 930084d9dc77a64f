import { brandAs, PeerTelling, type OutboxEventType, type RoomName, type WebhookId } from '@parley/domain';
import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import { DOMAIN, sessionIdOf } from './gateway';
import { TalkHouse } from './talk-house';

/** What back ends are told of who comes and who goes: what stands in the outbox. */
const house = new TalkHouse();
const PEER_EVENTS: readonly OutboxEventType[] = ['peer.joined', 'peer.left', 'host.joined'];
/** Somebody comes back within it, and somebody is waited for until it is over. */
const RESUME_MS = 6_000;
let number = 0;
const listening: WebhookId[] = [];

const newRoom = () => `peers-${(number += 1)}`;
const uow = () => house.region.database.uow;
const rules = () => house.region.rules(house.two).rooms;

beforeAll(() => house.start({ liveTimes: { resumeWindowMs: RESUME_MS } }));
afterEach(async () => {
  await house.sendEverybodyHome();
  for (const id of listening.splice(0)) await uow().run((stores) => stores.webhooks.remove(id, new Date()));
});
afterAll(() => house.close());

/** A webhook that has proved itself. */
async function listen(events: readonly OutboxEventType[] = PEER_EVENTS, roomName?: string): Promise<void> {
  const target = { type: 'url', url: 'https://receiver.example/' } as const;
  const name = roomName === undefined ? {} : { roomName: brandAs<RoomName>(roomName) };
  const { id } = await uow().run((stores) =>
    stores.webhooks.insert({ domain: DOMAIN, target, events, ...name }, new Date()),
  );
  await house.region.database.prisma.webhook.update({ where: { id }, data: { validated: true, provenAt: new Date() } });
  listening.push(id);
}

/** The events of all openings of a room, e.g. `1 room.created`, `2 peer.joined Ada`. */
async function eventsOf(room: string): Promise<string[]> {
  const rows = await house.region.database.prisma.outboxEvent.findMany({
    where: { roomName: room },
    orderBy: [{ roomSessionId: 'asc' }, { seq: 'asc' }],
  });
  return rows.map(({ seq, type, payload }) => {
    const { name } = payload as { name?: string };
    return [seq, type, ...(name === undefined ? [] : [name])].join(' ');
  });
}

const becomes = (room: string, ...expected: string[]) =>
  eventually(
    async () => JSON.stringify(await eventsOf(room)) === JSON.stringify(expected),
    async () => `${expected.join(', ')}; there is ${(await eventsOf(room)).join(', ')}`,
  );

async function enter(name: string, room: string, options: { userId?: string } = {}): Promise<ScriptedSignalingClient> {
  const door = (number += 1) % 2 === 0 ? house.one : house.two;
  const client = await house.region.visitor(door, name, room, options);
  await client.join(`${DOMAIN}/${room}`);
  return client;
}

async function account() {
  const found = await house.region.database.stores.tenancy.accountByAuthId('demo');
  if (found === null) throw new Error('the demo account is missing');
  return found.id;
}

/** Opens a room as the api does. */
async function open(room: string, addHostKey = false) {
  return rules().init(await account(), { domain: DOMAIN, name: brandAs<RoomName>(room), addHostKey });
}

test('who comes, goes and comes back is told, with who it is and when; a resume is not', async () => {
  const room = newRoom();
  await listen();
  const { id: opening } = await open(room, true);
  const before = Date.now();
  const ada = await enter('Ada', room, { userId: 'ada-1' });
  await becomes(room, '1 room.created', '2 peer.joined Ada');
  const bob = await enter('Bob', room);
  await becomes(room, '1 room.created', '2 peer.joined Ada', '3 peer.joined Bob');
  bob.drop();
  await bob.expectClosed();
  const again = await house.region.connect(house.one, 'Bob again');
  await again.helloResume(bob.resumeId);
  await ada.leave();
  await ada.join(`${DOMAIN}/${room}`);
  await becomes(
    room,
    '1 room.created',
    '2 peer.joined Ada',
    '3 peer.joined Bob',
    '4 peer.left Ada',
    '5 peer.joined Ada',
  );
  const [, joined, , left] = await house.region.database.prisma.outboxEvent.findMany({
    where: { roomSessionId: opening },
    orderBy: { seq: 'asc' },
  });
  expect(joined).toMatchObject({
    domainName: DOMAIN,
    roomName: room,
    payload: { id: sessionIdOf(ada), userId: 'ada-1', name: 'Ada' },
  });
  expect(left?.payload).toEqual(joined?.payload);
  expect(joined?.occurredAt.getTime()).toBeGreaterThanOrEqual(before - 1_000);
  expect(left?.occurredAt.getTime()).toBeGreaterThan(joined?.occurredAt.getTime() ?? Infinity);
  again.drop();
  await eventually(
    async () => (await eventsOf(room)).at(-1) === '6 peer.left Bob',
    'Bob to be told to have gone',
    RESUME_MS + 15_000,
  );
});

test('a host is told of beside the peer, in whatever way they became it by coming in', async () => {
  const [keyed, first] = [newRoom(), newRoom()];
  await listen();
  const { hostKey } = await open(keyed, true);
  if (hostKey === null) throw new Error('there is no host key');
  await enter('Guest', keyed);
  const login = await house.region.ticket(house.one, keyed, { displayName: 'Host', hostKey });
  const host = await house.region.connect(house.one, 'Host');
  await host.hello(login);
  await host.join(`${DOMAIN}/${keyed}`);
  await becomes(keyed, '1 room.created', '2 peer.joined Guest', '3 peer.joined Host', '4 host.joined Host');
  await open(first);
  await enter('First', first);
  await enter('Second', first);
  await becomes(first, '1 room.created', '2 peer.joined First', '3 host.joined First', '4 peer.joined Second');
  const { payload } = await house.region.database.prisma.outboxEvent.findFirstOrThrow({
    where: { roomName: first, type: 'host.joined' },
  });
  expect(payload).toMatchObject({ name: 'First', isHost: true });
});

test('everybody is told to have gone before the room is, whether kicked or shut out', async () => {
  const room = newRoom();
  await listen();
  await open(room, true);
  await enter('Ada', room);
  const bob = await enter('Bob', room);
  await rules().kickOut(await account(), DOMAIN, brandAs<RoomName>(room), sessionIdOf(bob));
  // Somebody of whom nothing was told yet when the room ends.
  await enter('Eve', room);
  await rules().destroy(await account(), DOMAIN, brandAs<RoomName>(room), true);
  const told = await eventsOf(room);
  expect(told.slice(0, 3)).toEqual(['1 room.created', '2 peer.joined Ada', '3 peer.joined Bob']);
  expect(told.at(-1)).toBe('8 room.removed');
  expect(
    told
      .slice(3, 7)
      .map((line) => line.slice(2))
      .sort(),
  ).toEqual(['peer.joined Eve', 'peer.left Ada', 'peer.left Bob', 'peer.left Eve'].sort());
  await becomes(room, ...told);
  expect(await house.region.database.prisma.roomPeer.count({ where: { room: { name: room } } })).toBe(0);
});

test('people of a Nextcloud are peers as well', async () => {
  await listen();
  const token = house.newToken();
  const ada = await house.talk.member(house.one, 'ada', token);
  await house.talk.member(house.two, 'bob', token);
  const events = async () => {
    const rows = await house.region.database.prisma.outboxEvent.findMany({
      where: { roomName: { endsWith: token } },
      orderBy: { seq: 'asc' },
    });
    return rows.map(({ type, payload }) => [type, (payload as { userId?: string }).userId ?? ''].join(' ').trim());
  };
  await ada.bye();
  await eventually(
    async () => (await events()).at(-1) === 'peer.left ada',
    async () => `ada to have gone: ${(await events()).join(', ')}`,
  );
  expect((await events()).filter((event) => event !== 'host.joined ada')).toEqual([
    'room.created',
    'peer.joined ada',
    'peer.joined bob',
    'peer.left ada',
  ]);
});

test('without anybody who listens nothing is told; who listens later hears of those who are in, and from then on', async () => {
  const [room, other] = [newRoom(), newRoom()];
  await listen(['room.created']);
  const { id: opening } = await open(room, true);
  await open(other, true);
  const gone = await enter('Gone', room);
  await gone.bye();
  const ada = await enter('Ada', room);
  await enter('Elsewhere', other);
  // Until each gateway has looked whether somebody listens, it may be in time for what was just before.
  await eventually(async () => {
    const asked = [house.one, house.two].map(({ live }) => live.rooms.peerNews(opening, 'now'));
    return (await Promise.all(asked)).every(({ lost }) => lost.length === 0);
  }, 'the gateways to forget who came and went unheard');
  await listen(PEER_EVENTS, room);
  await enter('Bob', room);
  const heard = ['1 room.created', '2 peer.joined Ada', '3 peer.joined Bob'];
  await becomes(room, ...heard);
  const [removed] = listening.splice(-1);
  if (removed === undefined) throw new Error('nobody listened');
  await uow().run((stores) => stores.webhooks.remove(removed, new Date()));
  await ada.bye();
  const telling = new PeerTelling(uow(), house.one.live.rooms);
  await telling.sweep();
  expect(await eventsOf(room)).toEqual(heard);
  await listen(PEER_EVENTS, room);
  // Nobody comes or goes: a sweep finds who is in.
  await telling.sweep();
  await becomes(room, ...heard, '4 peer.joined Bob');
  expect(await eventsOf(other)).toEqual(['1 room.created']);
});

test('a domain that wants to read of its peers has their events without a webhook', async () => {
  const room = newRoom();
  const wants = (on: boolean) => uow().run(({ tenancy }) => tenancy.setPeerEvents(DOMAIN, on));
  await wants(true);
  try {
    await open(room);
    const ada = await enter('Ada', room);
    await becomes(room, '1 room.created', '2 peer.joined Ada', '3 host.joined Ada');
    await ada.leave();
    await becomes(room, '1 room.created', '2 peer.joined Ada', '3 host.joined Ada', '4 peer.left Ada');
  } finally {
    await wants(false);
  }
});

test('names that PostgreSQL cannot keep stop neither what is told of a room nor its end', async () => {
  const room = newRoom();
  await listen();
  await open(room);
  await enter('a\0b\ud800', room, { userId: 'u\0\udfff' });
  await enter('Bob', room);
  const odd = 'a\ufffdb\ufffd';
  const told = ['1 room.created', `2 peer.joined ${odd}`, `3 host.joined ${odd}`, '4 peer.joined Bob'];
  await becomes(room, ...told);
  await rules().destroy(await account(), DOMAIN, brandAs<RoomName>(room), true);
  await becomes(room, ...told, `5 peer.left ${odd}`, '6 peer.left Bob', '7 room.removed');
});
