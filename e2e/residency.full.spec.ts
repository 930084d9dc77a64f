import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, ScriptedSignalingClient, type Receiver, type TransportName } from '@parley/testing';
import type { JoinAnswer } from './back-end';
import {
  ask,
  askEach,
  callsAbout,
  exchange,
  inChunks,
  onTheWire,
  parsed,
  signed,
  statusesOf,
  type Subject,
  unreadable,
  xroom,
} from './residency-calls';
import { renewed, settle } from './residency-settling';
import { untilLetIn, untilServed } from './standstills';
import { OVERSEAS, startTwoRegions, type TwoRegions } from './two-regions';
import { METHODS } from './xroom-methods';
import { databaseText, isIn, isToDatabase, monitorRedis, type Recorded, redisText, Wiretap } from './wiretap';

const ABOUT_NO_DOMAIN = ['DELETE /v1/keys/{id}', 'GET /v1/keys', 'GET /v1/regions', 'POST /v1/keys'];

const random = () => randomBytes(6).toString('hex');

/** Two domains of one account at home in eu-1, of which one is strictly resident; everything of both is done at both doors. */
describe('what is strictly resident in eu-1, as us-1 sees it', () => {
  let world: TwoRegions;
  let tap: Wiretap;
  let redis: Awaited<ReturnType<typeof monitorRedis>>;
  let strict: Subject;
  let open: Subject;
  /** What was made up at home for the strictly resident domain: host keys, tickets, secrets, ids of sessions. */
  const madeAtHome = new Set<string>();
  /** Of a domain of us-1 itself. */
  const local = `l${random()}`;
  const receivers: Receiver[] = [];
  const clients: ScriptedSignalingClient[] = [];

  beforeAll(async () => {
    tap = await Wiretap.on('us-1');
    world = await startTwoRegions({ ...tap.env, LOG_LEVEL: 'debug' });
    redis = await monitorRedis(world.us.run.redisUrl);
    const settled = [
      await settle(world, { name: `open-${random()}`, tag: `o${random()}`, isStrict: false }),
      await settle(world, { name: `strict-${random()}`, tag: `s${random()}`, isStrict: true }),
    ] as const;
    [open, strict] = [settled[0].subject, settled[1].subject];
    for (const secret of settled[1].secrets) madeAtHome.add(secret);
    receivers.push(...settled.map(({ receiver }) => receiver));
    // Until us-1 has heard that eu-1 has strictly resident domains.
    await eventually(
      async () => (await ask(world.us.door, signed(strict, 'GET', `/v1/robots/${strict.robot}`))).status === 421,
      'us-1 to know what is strictly resident',
      120_000,
    );
  }, 600_000);

  afterAll(async () => {
    for (const client of clients) client.drop();
    redis?.close();
    for (const receiver of receivers) await receiver.close();
    await world?.close();
    await tap?.close();
  }, 120_000);

  /** Somebody enters the room, at home, and talks to somebody else there. */
  async function meet(subject: Subject, door: string): Promise<void> {
    const { domain, tag } = subject;
    const enter = (name: string) =>
      untilLetIn(async () => {
        const { signalingUrl, authUrl, ticket, roomId } = await ticketFor(subject, name, door);
        const client = await connected(signalingUrl, name);
        await client.hello({ authUrl, ticket });
        await client.join(roomId);
        if (subject === strict) madeAtHome.add(client.sessionId).add(client.resumeId);
        return client;
      });
    const [ann, ben] = [await enter(`${tag}-ann`), await enter(`${tag}-ben`)];
    ann.message({ type: 'session', sessionid: ben.sessionId }, { sdp: `${tag}-offer`, in: domain });
    await ben.expect('message', 45_000);
  }

  async function ticketFor(subject: Subject, displayName: string, door = world.eu.door): Promise<JoinAnswer> {
    const { domain, tag } = subject;
    const body = JSON.stringify({ room: `${domain}/${tag}-room`, displayName, password: `${tag}-password` });
    const headers = { 'content-type': 'application/json' };
    const answer = parsed(await untilServed(() => ask(door, { method: 'POST', path: '/join', headers, body })));
    if (subject === strict) madeAtHome.add(String(answer.ticket));
    return answer as unknown as JoinAnswer;
  }

  /** A domain of us-1. */
  const own = (): Subject => ({ ...open, domain: OVERSEAS, tag: local });

  async function openLocal(): Promise<void> {
    const room = { id: `${OVERSEAS}/${local}-room`, key: `${local}-password` };
    expect((await untilServed(() => ask(world.us.door, xroom(own(), 'room/init', room)))).status).toBe(200);
  }

  /** Long texts that answers hold: ids, keys, secrets, tickets. */
  function noteDown(json: unknown, name = ''): void {
    const known = new Set([strict.domain, strict.host, strict.delivery]);
    if (typeof json === 'object' && json !== null)
      for (const [key, value] of Object.entries(json)) noteDown(value, key);
    // The delivery's id stands in calls: its home is asked whose it is. Cursors are not of one domain alone.
    else if (/cursor/i.test(name)) return;
    else if (typeof json === 'string' && /^[\w.+/=-]{24,}$/.test(json) && !known.has(json)) madeAtHome.add(json);
  }

  const sees = (hay: Buffer | string, needles: Iterable<string>) => [...needles].filter((needle) => isIn(hay, needle));
  const dataOfStrict = () => [strict.tag, strict.key, ...madeAtHome];
  const namesOfStrict = () => [strict.domain, strict.host];

  it('is everything that can be asked about a domain', () => {
    const document = JSON.parse(readFileSync(join(__dirname, '..', 'apps', 'api', 'openapi.json'), 'utf8')) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    };
    const documented = Object.entries(document.paths)
      .filter(([path]) => path.startsWith('/v1/') && !path.startsWith('/v1/admin/'))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })));
    const asked = callsAbout(strict, { domain: open.domain, door: world.eu.door });
    const isAsked = ({ method, path }: { method: string; path: string }) => {
      const form = new RegExp(`^${path.replace(/\{\w+\}/g, '[^/?]+')}(?:\\?|$)`);
      return asked.some((call) => call.method === method && form.test(call.path));
    };
    const missing = documented.filter((each) => !isAsked(each)).map(({ method, path }) => `${method} ${path}`);
    // These are about the account or nobody.
    expect(missing.sort()).toEqual(ABOUT_NO_DOMAIN);
    const bodies = asked
      .filter(({ path }) => path.startsWith('/api/'))
      .map(({ path, body }) => {
        const { method } = JSON.parse(body) as { method: string };
        return `${path.slice('/api/'.length)}/${method}`;
      });
    expect([...new Set(bodies)].sort()).toEqual(Object.keys(METHODS).sort());
  });

  it('is all done at home, as for any domain', async () => {
    for (const subject of [strict, open]) {
      await meet(subject, world.eu.door);
      const fresh = await renewed(world, subject);
      const calls = () => callsAbout(fresh, { domain: open.domain, door: world.eu.door });
      await askEach(world.eu.door, calls, (call, { status, text }) => {
        const served = status < 500 && ![401, 404, 421].includes(status);
        expect({ call, status, text, served }).toMatchObject({ served: true });
        if (subject === strict && text !== '') noteDown(JSON.parse(text));
      });
    }
    expect(madeAtHome.size).toBeGreaterThan(20);
  }, 240_000);

  it('is refused at us-1 by every way, with the address of its home', async () => {
    const home = { status: 421, region: 'eu-1', host: new URL(world.eu.door).host };
    const calls = () => callsAbout(strict, { domain: open.domain, door: world.eu.door });
    await askEach(world.us.door, calls, (call, { status, headers, text }) => {
      const told = { status, region: headers['x-home-region'], host: headers['x-home-host'] };
      expect({ call, text, told }).toMatchObject({ told: home });
    });
    const garbled = () => unreadable(strict);
    await askEach(world.us.door, garbled, (call, { status, text }) => {
      expect({ call, status, text, refused: status >= 400 && status < 500 }).toMatchObject({ refused: true });
    });
  }, 240_000);

  it('is refused at us-1 however its bytes come', async () => {
    const { us } = world;
    const { domain, tag } = strict;
    const close = { connection: 'close' };
    const opening = (subject: Subject, more: Record<string, string> = {}, key = `${subject.tag}-password`) =>
      xroom(subject, 'room/init', { id: `${subject.domain}/${subject.tag}-wire`, key }, more);
    expect(await statusesOf(us.door, () => inChunks(opening(strict, close), 7))).toEqual([421]);
    const pipelined = () => [opening(open), opening(strict, close)].map((call) => onTheWire(call)).join('');
    expect(await statusesOf(us.door, pipelined)).toEqual([200, 421]);
    // An answer to what is still being sent may be lost with the connection.
    for (const headers of [close, { ...close, 'x-parley-domain': domain }]) {
      const tooLong = opening(strict, headers, tag.repeat(70_000 / tag.length));
      expect(await exchange(us.door, onTheWire(tooLong))).not.toMatch(/ 200 /);
    }
    const half = onTheWire(opening(strict), { 'content-length': '60000' });
    expect(await exchange(us.door, half, { end: true })).not.toMatch(/ 200 /);
  }, 240_000);

  it('is only named in lists of the account that us-1 is asked for', async () => {
    const { us, eu } = world;
    const host = new URL(eu.door).host;
    const lists = () => [
      xroom(open, 'room/list', {}),
      xroom(open, 'room/list', {}, { 'x-parley-domain': open.domain }),
      xroom(open, 'room/list', {}, { host }),
      signed(open, 'GET', '/v1/robots'),
      { ...signed(open, 'GET', '/v1/robots'), headers: { authorization: `Bearer ${open.key}` } },
      { ...signed(open, 'GET', '/v1/robots'), headers: { authorization: `Bearer ${open.key}`, host } },
    ];
    await askEach(us.door, lists, (call, { status, headers, text }) => {
      const told = { status, omitted: headers['x-parley-omitted-domains'], open: text.includes(open.domain) };
      expect({ call, text, told }).toMatchObject({ told: { status: 200, omitted: strict.domain, open: true } });
      expect(sees(text, [...namesOfStrict(), ...dataOfStrict()])).toEqual([]);
    });
  }, 240_000);

  it('is nowhere to be entered by sockets of us-1', async () => {
    const { us, parley } = world;
    for (const transport of ['websocket', 'socket.io', 'socket.io-polling'] as const) {
      const coming = untilLetIn(async () => {
        const { ticket, authUrl } = await ticketFor(strict, `${strict.tag}-visitor`);
        const url = transport === 'websocket' ? `${us.door.replace('http', 'ws')}/spreed` : us.door;
        await (await connected(url, `at us-1 by ${transport}`, transport)).hello({ authUrl, ticket });
      });
      await expect(coming).rejects.toThrow('wrong_region');
    }
    const [gateway = ''] = us.run.signaling;
    const recording = untilLetIn(async () => {
      const recorder = await connected(gateway, 'a recorder');
      await recorder.helloInternal({ secret: parley.run.internalSecret, backend: us.door });
      await recorder.join(`${strict.domain}/${strict.tag}-room`);
    });
    await expect(recording).rejects.toThrow('wrong_region');
    // Somebody who is let in at us-1 asks for more.
    await openLocal();
    const asking = untilLetIn(async () => {
      const { ticket, authUrl } = await ticketFor(own(), `${local}-visitor`, us.door);
      const visitor = await connected(gateway, 'a visitor of us-1');
      await visitor.hello({ authUrl, ticket });
      await visitor.join(`${strict.domain}/${strict.tag}-room`);
    });
    await expect(asking).rejects.toThrow('no_such_room');
  }, 240_000);

  async function connected(url: string, name: string, transport: TransportName = 'websocket') {
    const client = await ScriptedSignalingClient.connect(url, { transport, name });
    clients.push(client);
    return client;
  }

  it('the same calls of the other domain are passed on', async () => {
    const fresh = await renewed(world, open);
    const calls = () => callsAbout(fresh, { domain: open.domain, door: world.eu.door });
    await askEach(world.us.door, calls, (call, { status, headers, text }) => {
      const passedOn = status < 500 && ![401, 404, 421].includes(status);
      const told = { passedOn: passedOn && (headers['x-home-region'] === 'eu-1' || status === 307) };
      expect({ call, status, headers, text, told }).toMatchObject({ told: { passedOn: true } });
    });
  }, 240_000);

  it('leaves nothing in the database, Redis, the logs and what goes out of us-1', async () => {
    const { us, parley } = world;
    // What can be found at all: of us-1's own domain, and of one that may be passed on.
    await openLocal();
    await meet(own(), us.door);
    await ask(us.door, { method: 'GET', path: `/v1/${local}`, headers: {}, body: '' });
    await eventually(() => isIn(redis.text(), local), 'Redis to be told of the room', 60_000);
    await eventually(async () => isIn(await parley.logsOf('us-1'), local), 'the request to be logged', 60_000);

    const recorded = await tap.recorded();
    const database = await databaseText(us.run.postgresUrl);
    const directory = await databaseText(parley.run.directoryUrl);
    const holders = (texts: ReadonlyMap<string, string>, needles: Iterable<string>) =>
      [...texts].filter(([, rows]) => sees(rows, needles).length > 0).map(([table]) => table);
    const kept = await redisText(us.run.redisUrl);
    expect(holders(database, [local])).toEqual(expect.arrayContaining(['Room', 'OutboxEvent']));
    expect(isIn(kept, local)).toBe(true);
    expect(new Set(carriers(recorded, [local]).map(({ service }) => service))).toContain('api');
    const sent = recorded.filter(
      ({ peer, way, service }) => peer === 'others' && way === 'said' && service === 'region-router',
    );
    for (const what of ['password', 'room', 'booked-too', 'hook-of-rest', 'hook-moved', 'robot-too', 'visitor']) {
      expect({ what, sent: carriers(sent, [`${open.tag}-${what}`]).length > 0 }).toEqual({ what, sent: true });
    }

    const everything = [...dataOfStrict(), ...namesOfStrict()];
    expect(holders(database, everything)).toEqual([]);
    expect(sees(kept, everything)).toEqual([]);
    const linesWith = (text: string) => text.split('\n').filter((line) => sees(line, everything).length > 0);
    expect(linesWith(redis.text())).toEqual([]);
    expect(linesWith(await parley.logsOf('us-1'))).toEqual([]);
    // What comes from callers stays among the region's own processes at most.
    const outside = recorded.filter(({ peer, way }) => peer !== 'own-services' || way === 'heard');
    expect(carriers(outside, dataOfStrict())).toEqual([]);
    // Its name and hosts are in the directory: databases are asked for them, and callers told which domain a list lacks.
    expect(holders(directory, dataOfStrict())).toEqual([]);
    expect(holders(directory, [strict.domain]).sort()).toEqual(['DirectoryDomain', 'DirectoryHost']);
    const naming = outside.filter((each) => each.peer === 'others' && each.way === 'said' && !isToDatabase(each));
    expect(carriers(naming, namesOfStrict())).toEqual([]);
  }, 240_000);

  /** Connections that carried one of these, with what and where, for people. */
  function carriers(recorded: readonly Recorded[], needles: Iterable<string>) {
    return recorded.flatMap(({ bytes, ...connection }) =>
      sees(bytes, needles).map((needle) => {
        const at = Math.max(bytes.indexOf(needle), 0);
        return { ...connection, needle, excerpt: bytes.subarray(Math.max(at - 200, 0), at + 100).toString('latin1') };
      }),
    );
  }
});
