import { brandAs } from '@parley/domain';
import { eventually } from '@parley/testing';
import { done, freshNames, id, refused } from './expected';
import { backEnd, DOMAIN, openTestDatabase, startTestApi, type TestApi } from './running-api';

let api: TestApi;
let call: ReturnType<typeof backEnd>;
let asOther: ReturnType<typeof backEnd>;
const fresh = freshNames();

beforeAll(async () => {
  api = await startTestApi();
  call = backEnd(api.url, api.demo);
  asOther = backEnd(api.url, api.other);
});
afterAll(() => api.close());

describe('room/init', () => {
  it('opens a room; what was not asked for is not answered', async () => {
    const name = fresh();
    expect(await call('room/init', { id: id(name) })).toEqual(done({ id: id(name), type: 1, isLocked: false }));
  });

  it('opens it with every option', async () => {
    const name = fresh();
    const answer = await call('room/init', { id: id(name), type: 2, lock: true, key: 'pässwörd', addHostKey: true });
    const hostKey = expect.stringMatching(/^[0-9a-f]{16,}$/) as unknown;
    expect(answer).toEqual(done({ id: id(name), type: 2, isLocked: true, key: 'pässwörd', hostKey }));
  });

  it('compares only what was given on an open room', async () => {
    const room = { id: id(fresh()), type: 2, key: 'a' };
    await call('room/init', room);
    expect(await call('room/init', { id: room.id })).toEqual(done({ id: room.id, type: 2, isLocked: false, key: 'a' }));
    expect(await call('room/init', room)).toEqual(done({ id: room.id, type: 2, isLocked: false, key: 'a' }));
    for (const other of [{ type: 1 }, { lock: true }, { key: 'b' }]) {
      expect(await call('room/init', { id: room.id, ...other })).toEqual(refused('other options'));
    }
  });

  it('answers the same host key, made when it is first asked for', async () => {
    const room = { id: id(fresh()), addHostKey: true };
    await call('room/init', { id: room.id });
    const first = await call('room/init', room);
    expect((await call('room/init', room)).data).toEqual(first.data);
    expect(first.data).toHaveProperty('hostKey');
  });

  it('called at once opens one room', async () => {
    const room = { id: id(fresh()), addHostKey: true };
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('room/init', room)));
    expect(new Set(answers.map(({ data }) => JSON.stringify(data))).size).toBe(1);
    expect(answers.every(({ isError }) => !isError)).toBe(true);
  });

  it('refuses what cannot be', async () => {
    expect(await call('room/init', { id: 'nowhere.example/a' })).toEqual(refused('no domain'));
    expect(await call('room/init', { id: 'no-slash' })).toEqual(refused('id'));
    expect(await call('room/init', { id: id('a'), type: 3 })).toEqual(refused('type'));
    expect(await call('room/init', {})).toEqual(refused('id'));
  });
});

describe('room/setLock, setPassword, destroy', () => {
  it('answer null and change what init answers', async () => {
    const room = id(fresh());
    await call('room/init', { id: room });
    expect(await call('room/setLock', { id: room, lock: true })).toEqual(done(null));
    expect(await call('room/setPassword', { id: room, password: 'x' })).toEqual(done(null));
    expect(await call('room/init', { id: room })).toEqual(done({ id: room, type: 1, isLocked: true, key: 'x' }));
    expect(await call('room/setPassword', { id: room, password: null })).toEqual(done(null));
    expect(await call('room/init', { id: room })).toEqual(done({ id: room, type: 1, isLocked: true }));
    expect(await call('room/destroy', { id: room })).toEqual(done(true));
  });

  it.each([
    ['room/setLock', { lock: true }],
    ['room/setPassword', { password: null }],
    ['room/destroy', {}],
    ['room/kickOut', { peerId: 'all' }],
  ])('%s of a room that is not open is refused', async (method, data) => {
    expect(await call(method, { id: id(fresh()), ...data })).toEqual(refused('no such room'));
  });
});

describe('bookings', () => {
  const soon = () => new Date(Date.now() + 3_600_000);

  it('are added, read, moved, listed and removed', async () => {
    const booked = { domain: DOMAIN, roomName: fresh() };
    const first = soon();
    expect(await call('booking/add', { ...booked, validUntil: first.toISOString() })).toEqual(done(null));
    expect(await call('booking/get', booked)).toEqual(done({ ...booked, validUntil: first.toISOString() }));
    const later = new Date(first.getTime() + 60_000);
    expect(await call('booking/update', { ...booked, validUntil: later.getTime() })).toEqual(done(null));
    const list = await call('booking/list', { domain: DOMAIN });
    expect(list.data).toContainEqual({ ...booked, validUntil: later.toISOString() });
    expect(await call('booking/remove', booked)).toEqual(done(null));
    expect(await call('booking/get', booked)).toEqual(done(null));
  });

  it('refuse a second one, a past one and what is not there', async () => {
    const booked = { domain: DOMAIN, roomName: fresh() };
    await call('booking/add', { ...booked, validUntil: soon() });
    expect(await call('booking/add', { ...booked, validUntil: soon() })).toEqual(refused('booked'));
    expect(await call('booking/add', { domain: DOMAIN, roomName: fresh(), validUntil: 5 })).toEqual(refused('passed'));
    const none = { domain: DOMAIN, roomName: fresh() };
    expect(await call('booking/remove', none)).toEqual(refused('not booked'));
    expect(await call('booking/update', { ...none, validUntil: soon() })).toEqual(refused('not booked'));
  });

  it('do not keep the API from opening the room', async () => {
    const roomName = fresh();
    await call('booking/add', { domain: DOMAIN, roomName, validUntil: soon() });
    expect(await call('room/init', { id: id(roomName) })).toEqual(done(expect.objectContaining({ id: id(roomName) })));
  });
});

/** A robot of a domain, made as if over `/v1/robots`. */
async function robotOf(domain: string): Promise<number> {
  const database = openTestDatabase(api);
  const { id } = await database.stores.robots.insert({ domain: brandAs(domain), name: 'robot' }, 'hash', new Date());
  await database.close();
  return id;
}

describe('webhooks', () => {
  it('of a robot are valid at once, listed with a filter, validated and removed', async () => {
    const roomName = fresh();
    const robotId = await robotOf(DOMAIN);
    const added = await call('webhook/add', { domain: DOMAIN, type: 'robot', robotId, roomName });
    expect(added).toEqual(done({ id: expect.any(Number) as unknown, validated: true }));
    const { id: webhook } = added.data as { id: number };
    expect(webhook % 1024).toBe(1);
    const listed = await call('webhook/list', { domain: DOMAIN, token: roomName, validated: true });
    expect(listed).toEqual(done([{ id: webhook, domain: DOMAIN, roomName, robotId }]));
    expect(await call('webhook/list', { domain: DOMAIN, token: roomName, validated: false })).toEqual(done([]));
    expect(await call('webhook/validate', { id: webhook })).toEqual(done({ validated: true }));
    expect(await call('webhook/remove', { id: webhook })).toEqual(done(null));
    expect(await call('webhook/remove', { id: webhook })).toEqual(refused('no webhook'));
  });

  it("of a robot that does not exist, or is somebody else's, are refused", async () => {
    const strange = await robotOf('other.example');
    for (const robotId of [strange, strange + 5 * 1024]) {
      expect(await call('webhook/add', { domain: DOMAIN, type: 'robot', robotId })).toEqual(refused('no robot'));
    }
  });

  it('are added within the time allowed when no dispatcher answers', async () => {
    const started = performance.now();
    const url = `https://hooks.example/${fresh()}`;
    expect(await call('webhook/add', { domain: DOMAIN, type: 'url', url })).toMatchObject({
      data: { validated: false },
    });
    expect(performance.now() - started).toBeGreaterThan(4_500);
    expect((await call('webhook/list', { domain: DOMAIN, token: url })).data).toHaveLength(1);
  });

  it('answer as soon as the dispatcher noted the outcome', async () => {
    const url = `https://hooks.example/${fresh()}`;
    const adding = call('webhook/add', { domain: DOMAIN, type: 'url', url });
    const database = openTestDatabase(api);
    const noted = { validated: true, handshakeAwaited: false, nextValidationAt: null };
    await eventually(
      async () => (await database.prisma.webhook.updateMany({ where: { url }, data: noted })).count === 1,
      'the webhook to be stored',
    );
    expect(await adding).toMatchObject({ isError: false, data: { validated: true } });
    await database.close();
  });

  it('of an ordinary domain refuse private addresses and odd ports at once, and say why', async () => {
    const add = (url: string) => asOther('webhook/add', { domain: 'other.example', type: 'url', url });
    for (const url of ['https://10.0.0.1/', 'https://169.254.169.254/', 'https://[::1]/', 'https://localhost/']) {
      expect([url, await add(url)]).toEqual([url, refused('private or local')]);
    }
    expect(await add('https://hooks.example:5432/')).toEqual(refused(/port 5432; use one of 80, 443/));
    expect(await asOther('webhook/list', { domain: 'other.example' })).toEqual(done([]));
  });

  it('are at most 100 per domain, however many are added at once', async () => {
    const database = openTestDatabase(api);
    const row = (n: number) => ({
      id: BigInt(n),
      domainName: 'other.example',
      type: 'robot' as const,
      robotId: BigInt(n),
      validated: true,
      createdAt: new Date(),
    });
    await database.prisma.webhook.createMany({ data: Array.from({ length: 98 }, (_unused, n) => row(900_000 + n)) });
    const robotId = await robotOf('other.example');
    const add = () => asOther('webhook/add', { domain: 'other.example', type: 'robot', robotId });
    const answers = await Promise.all(Array.from({ length: 6 }, add));
    expect(answers.filter(({ isError }) => !isError)).toHaveLength(2);
    expect(answers.filter(({ isError }) => isError)).toEqual(Array(4).fill(refused('at most 100 webhooks')));
    await database.prisma.webhook.deleteMany({ where: { domainName: 'other.example' } });
    await database.close();
  });

  it('refuse a URL that must not be, and half a target', async () => {
    const refusals = [{ type: 'url', url: 'ftp://x.example/' }, { type: 'url' }, { type: 'robot' }];
    for (const target of refusals) {
      expect(await call('webhook/add', { domain: DOMAIN, ...target })).toMatchObject({ status: 200, isError: true });
    }
  });
});

describe('tenants', () => {
  it('see {domain: {}} of an idle domain, and all of theirs without one', async () => {
    expect(await asOther('room/list', { domain: 'other.example' })).toEqual(done({ 'other.example': {} }));
    expect(await asOther('room/list')).toEqual(done({ 'other.example': {} }));
    expect(Object.keys((await call('room/list')).data as object)).toEqual([DOMAIN]);
  });

  it('reach nothing of another account, by any method', async () => {
    const name = fresh();
    const named = { domain: DOMAIN, roomName: name };
    const validUntil = Date.now() + 3_600_000;
    await call('room/init', { id: id(name), key: 'secret' });
    await call('booking/add', { ...named, validUntil });
    const robotId = await robotOf(DOMAIN);
    const { id: webhook } = (await call('webhook/add', { domain: DOMAIN, type: 'robot', robotId })).data as {
      id: number;
    };
    const calls: [string, unknown][] = [
      ['room/init', { id: id(name) }],
      ['room/init', { id: id(fresh()) }],
      ['room/destroy', { id: id(name), forceKick: true }],
      ['room/kickOut', { id: id(name), peerId: 'all' }],
      ['room/setLock', { id: id(name), lock: true }],
      ['room/setPassword', { id: id(name), password: null }],
      ['room/list', { domain: DOMAIN }],
      ['booking/add', { domain: DOMAIN, roomName: fresh(), validUntil }],
      ['booking/update', { ...named, validUntil: validUntil + 1 }],
      ['booking/remove', named],
      ['booking/get', named],
      ['booking/list', { domain: DOMAIN }],
      ['webhook/add', { domain: DOMAIN, type: 'robot', robotId }],
      ['webhook/add', { domain: 'other.example', type: 'robot', robotId }],
      ['webhook/list', { domain: DOMAIN }],
      ['webhook/validate', { id: webhook }],
      ['webhook/remove', { id: webhook }],
    ];
    for (const [method, data] of calls) {
      expect([method, await asOther(method, data)]).toEqual([method, refused(/no domain|no webhook|no robot/)]);
    }
    expect(await call('room/init', { id: id(name) })).toEqual(
      done({ id: id(name), type: 1, isLocked: false, key: 'secret' }),
    );
    expect(await call('booking/get', named)).toMatchObject({
      data: { validUntil: new Date(validUntil).toISOString() },
    });
    expect(await call('webhook/validate', { id: webhook })).toEqual(done({ validated: true }));
  });
});
