import { get } from 'node:http';
import { eventPageSchema } from '@parley/contracts';
import { brandAs, type DomainName, type RoomName, type RoomSessionId } from '@parley/domain';
import { EVENTS_SEEN_PER_PAGE } from '@parley/persistence';
import { eventually } from '@parley/testing';
import { refusalOf, restClient, type RestClient, restHeaders } from './rest';
import { RestWorld } from './rest-world';
import { backEnd, DOMAIN, startTestApi, type TestApi } from './running-api';

let api: TestApi;
let world: RestWorld;
let call: RestClient;
beforeAll(async () => {
  api = await startTestApi();
  world = new RestWorld(api);
  call = restClient(api.url, api.demo);
});
afterAll(async () => {
  await world.close();
  await api.close();
});

async function read(query: string, client = call) {
  const { status, json } = await client('GET', `events?domain=${DOMAIN}&${query}`);
  expect([status, json]).toEqual([200, expect.anything()]);
  const { events, cursor } = eventPageSchema.parse(json);
  return { ids: events.map(({ eventId }) => eventId), events, cursor };
}

const latest = async () => (await read('cursor=latest')).cursor;
const booked = (room: string) => ({ type: 'booking.added', room }) as const;

it('are read page by page in the order of their positions, without gaps and repetitions', async () => {
  const start = await latest();
  const ids = await world.happens(...Array.from({ length: 5 }, (_, n) => booked(`p-${n}`)));
  expect((await read(`cursor=${start}`)).ids).toEqual([]);
  await world.relayAll();
  const seen: string[] = [];
  for (let cursor = start; ;) {
    const page = await read(`cursor=${cursor}&limit=2`);
    cursor = page.cursor;
    if (page.ids.length === 0) break;
    seen.push(...page.ids);
  }
  expect(seen).toEqual(ids);
  expect((await read('limit=500')).ids.slice(-5)).toEqual(ids);
});

it('say what a detailed webhook is told, without the password and the host key of the room', async () => {
  const start = await latest();
  const room = `${DOMAIN}/told`;
  const { data } = await backEnd(api.url, api.demo)('room/init', {
    id: room,
    password: 'pw-not-told',
    addHostKey: true,
  });
  await world.relayAll();
  const page = await read(`cursor=${start}&events=roomCreated`);
  expect(page.events).toEqual([
    {
      event: 'roomCreated',
      eventId: expect.stringMatching(/^evt_eu-1_/) as unknown,
      domain: DOMAIN,
      roomName: 'told',
      roomSessionId: expect.stringMatching(/^rs_eu-1_/) as unknown,
      seq: 1,
      occurredAt: expect.any(String) as unknown,
      options: { type: expect.any(Number) as unknown, capacity: expect.any(Number) as unknown, isLocked: false },
    },
  ]);
  const { hostKey } = data as { hostKey: string };
  expect(hostKey).toEqual(expect.any(String));
  for (const secret of ['pw-not-told', hostKey]) expect(JSON.stringify(page)).not.toContain(secret);
});

it('are filtered by event and room; the cursor passes what is left out', async () => {
  const start = await latest();
  const [, wanted] = await world.happens(booked('f-1'), booked('f-2'), { type: 'room.created', room: 'f-2' });
  await world.relayAll();
  const page = await read(`cursor=${start}&events=bookingAdded,bookingRemoved&room=f-2`);
  expect(page.ids).toEqual([wanted]);
  expect((await read(`cursor=${page.cursor}`)).ids).toEqual([]);
  expect((await read(`cursor=${start}&events=peerLeft`)).cursor).toBe(page.cursor);
});

it('that are committed late are read late, never skipped', async () => {
  const start = await latest();
  let commit: () => void = () => undefined;
  const mayCommit = new Promise<void>((resolve) => (commit = resolve));
  let written: () => void = () => undefined;
  const isWritten = new Promise<void>((resolve) => (written = resolve));
  const late = world.database.uow.run(async ({ outbox }) => {
    const id = await outbox.append({
      type: 'booking.added',
      domain: brandAs<DomainName>(DOMAIN),
      roomName: brandAs<RoomName>('late'),
      roomSessionId: null,
      payload: { id: 'bk', validUntil: new Date().toISOString() },
      occurredAt: new Date(),
    });
    written();
    await mayCommit;
    return id;
  });
  await isWritten;
  const early = await world.happens(booked('early'));
  await world.relayAll();
  const first = await read(`cursor=${start}`);
  expect(first.ids).toEqual(early);
  commit();
  const id = await late;
  await world.relayAll();
  expect((await read(`cursor=${first.cursor}`)).ids).toEqual([id]);
});

describe('waiting', () => {
  it('ends as soon as something happens that was asked for', async () => {
    const start = await latest();
    const waiting = read(`cursor=${start}&wait=30&room=awaited`);
    await world.happens(booked('other'));
    await world.relayAll();
    const ids = await world.happens(booked('awaited'));
    const relayedAt = performance.now();
    await world.relayAll();
    expect((await waiting).ids).toEqual(ids);
    // Far less than the wait; a bell that is not heard costs a second.
    expect(performance.now() - relayedAt).toBeLessThan(10_000);
  });

  it('ends with nothing, and a cursor, when the time is up', async () => {
    const start = await latest();
    expect(await read(`cursor=${start}&wait=1`)).toMatchObject({ ids: [], cursor: start });
  });

  it('is for a number of calls of an account at once; the others may ask without waiting', async () => {
    const start = await latest();
    const target = `events?domain=${DOMAIN}&cursor=${start}&wait=30`;
    const others = Array.from({ length: 21 }, () => call('GET', target));
    const refused = await Promise.race(others);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await read(`cursor=${start}`)).ids).toEqual([]);
    await world.happens(booked('for all'));
    await world.relayAll();
    const statuses = (await Promise.all(others)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect((await call('GET', target)).status).toBe(200);
  });

  it('ends when the caller is gone, who takes up no place any more', async () => {
    const start = await latest();
    const target = `/v1/events?domain=${DOMAIN}&cursor=${start}&wait=30`;
    // Not with fetch, which connects anew after a call that was given up, and leaves those connections silent.
    const statuses: (number | undefined)[] = [];
    const waiting = Array.from({ length: 21 }, () =>
      get(`${api.url}${target}`, { headers: restHeaders(api.demo, 'GET', target, ''), agent: false }, (answer) =>
        statuses.push(answer.resume().statusCode),
      ).on('error', () => undefined),
    );
    const without = `events?domain=${DOMAIN}&cursor=${start}&wait=1`;
    await eventually(() => statuses.length > 0, 'one call too many to be refused');
    expect(statuses).toEqual([429]);
    for (const request of waiting) request.destroy();
    await eventually(async () => (await call('GET', without)).status === 200, 'a place to be free again', 20_000);
  });

  it('does not keep a replica from ending', async () => {
    const another = await api.another();
    const start = await latest();
    const waiting = read(`cursor=${start}&wait=30`, restClient(another.url, api.demo));
    // It is there once a second call at the same replica has been answered.
    await read(`cursor=${start}`, restClient(another.url, api.demo));
    const began = performance.now();
    await another.close();
    expect(performance.now() - began).toBeLessThan(10_000);
    expect((await waiting).ids).toEqual([]);
  });
});

it('are asked for in the form described', async () => {
  for (const query of [
    'cursor=x',
    'cursor=',
    'limit=0',
    'limit=501',
    'wait=31',
    'wait=-1',
    'events=',
    'events=x',
    'room=',
    'room=a%2Fb',
    'x=1',
  ]) {
    const refused = await refusalOf(call('GET', `events?domain=${DOMAIN}&${query}`));
    expect([query, refused]).toEqual([query, { status: 400, code: 'invalid_input' }]);
  }
  const huge = Buffer.from(`p.${'9'.repeat(19)}`).toString('base64url');
  expect((await refusalOf(call('GET', `events?domain=${DOMAIN}&cursor=${huge}`))).code).toBe('invalid_input');
});

it('are looked for a stretch at a time, however many there are; the cursor goes on, and waiting does', async () => {
  const start = await latest();
  await world.database.prisma.$executeRaw`
    INSERT INTO "OutboxEvent" (id, "domainName", "roomName", seq, type, payload, "occurredAt", "relayedAt", position)
    SELECT 'evt_eu-1_noise' || n, ${DOMAIN}, 'noise', n, 'webhook.alert', '{}', now(), now(),
      nextval('"OutboxEvent_position_seq"') FROM generate_series(1, ${EVENTS_SEEN_PER_PAGE}::int) n`;
  const ids = await world.happens(booked('behind'));
  await world.relayAll();
  const first = await read(`cursor=${start}&room=behind`);
  expect(first.ids).toEqual([]);
  expect((await read(`cursor=${first.cursor}&room=behind`)).ids).toEqual(ids);
  expect((await read(`cursor=${start}&room=behind&wait=10`)).ids).toEqual(ids);
});

it('hold who comes and goes when the domain says so, without any webhook', async () => {
  const set = (peerEvents: boolean) => call('PATCH', `domains/${DOMAIN}`, { peerEvents });
  expect((await call('GET', `domains/${DOMAIN}`)).json).toEqual({ name: DOMAIN, peerEvents: false });
  const { data } = await backEnd(api.url, api.demo)('room/init', { id: `${DOMAIN}/peers` });
  expect(data).toMatchObject({ id: `${DOMAIN}/peers` });
  const room = await world.database.prisma.room.findFirstOrThrow({ where: { name: 'peers', closedAt: null } });
  const id = brandAs<RoomSessionId>(room.id);
  const heard = () => world.database.uow.run(({ peers }) => peers.heard([id]));
  expect(await heard()).toEqual([]);
  expect((await set(true)).json).toEqual({ name: DOMAIN, peerEvents: true });
  expect((await call('PATCH', `domains/${DOMAIN}`, {})).json).toEqual({ name: DOMAIN, peerEvents: true });
  expect(await heard()).toEqual([id]);
  await set(false);
  expect(await heard()).toEqual([]);
  expect(await refusalOf(call('PATCH', `domains/${DOMAIN}`, { capacity: 1 }))).toMatchObject({ code: 'invalid_input' });
  expect(await refusalOf(call('GET', 'domains/other.example'))).toEqual({ status: 404, code: 'domain_not_found' });
});
