import { createHmac } from 'node:crypto';
import { eventually, type TransportName } from '@parley/testing';
import { WebSocket } from 'ws';
import type { RunningSignaling } from '../src/app';
import { INTERNAL_SECRET, PUBLIC_URL, TestRegion } from './gateway';

let region: TestRegion;
let one: RunningSignaling;
let two: RunningSignaling;

beforeAll(async () => {
  region = await TestRegion.start();
  one = await region.replica();
  two = await region.replica();
});
afterEach(() => region?.sendEverybodyHome());
afterAll(() => region?.close());

test('an internal hello that was read along the way opens nothing elsewhere, on no replica; its owner may say it again', async () => {
  const random = 'r'.repeat(64);
  const token = createHmac('sha256', INTERNAL_SECRET).update(random).digest('hex');
  const auth = { type: 'internal', params: { random, token, backend: PUBLIC_URL } };
  const frame = JSON.stringify({ id: 'h', type: 'hello', hello: { version: '1.0', auth } });
  for (const replica of [one, two]) {
    const recorder = await region.connect(replica, 'recorder');
    recorder.sendRaw(frame);
    await recorder.expect('hello');
  }
  const { address } = region;
  region.address = '192.0.2.66';
  for (const replica of [one, two]) {
    const thief = await region.connect(replica, 'thief');
    thief.sendRaw(frame);
    await thief.expectError('invalid_token');
  }
  region.address = address;
});

/** One Engine.IO session over long polling, spoken by hand. */
async function engine(base: string, headers: Record<string, string> = {}) {
  const url = `${base}/socket.io/?EIO=4&transport=polling`;
  const opened = await fetch(url, { headers });
  if (opened.status !== 200) return { status: opened.status, sid: '', send: async () => 0 };
  const { sid } = JSON.parse((await opened.text()).slice(1)) as { sid: string };
  const send = async (packets: string) => (await fetch(`${url}&sid=${sid}`, { method: 'POST', body: packets })).status;
  return { status: 200, sid, send };
}

/** A raw socket; answers the status with which it was refused, or 101 and the socket. */
function socket(base: string, from: string, path = '/spreed'): Promise<{ status: number; socket: WebSocket }> {
  const client = new WebSocket(base.replace('http', 'ws') + path, { headers: { 'x-forwarded-for': from } });
  return new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('unexpected-response', (_request, response) => {
      client.on('error', () => undefined);
      resolve({ status: response.statusCode ?? 0, socket: client });
    });
    client.on('open', () => resolve({ status: 101, socket: client }));
  });
}

describe('sockets without an accepted hello', () => {
  const PATIENCE = { patienceMs: 1_500, graceMs: 300 };
  let strict: RunningSignaling;
  let impatient: RunningSignaling;
  beforeAll(async () => {
    strict = await region.replica({}, { SIGNALING_SOCKETS_PER_ADDRESS_WAITING: '3' });
    impatient = await region.replica({ doorstep: PATIENCE });
  });

  test('are few from one address: more are 429, over whatever transport; who is let in makes room', async () => {
    const here = '203.0.113.7';
    const open = await Promise.all([1, 2, 3].map(() => socket(strict.url, here)));
    expect(open.map(({ status }) => status)).toEqual([101, 101, 101]);
    expect((await socket(strict.url, here)).status).toBe(429);
    expect((await socket(strict.url, here, '/socket.io/?EIO=4&transport=websocket')).status).toBe(429);
    expect((await engine(strict.url, { 'x-forwarded-for': here })).status).toBe(429);
    const elsewhere = await socket(strict.url, '203.0.113.8');
    expect(elsewhere.status).toBe(101);
    const [first, ...others] = open;
    const { ticket, authUrl } = await region.ticket(strict, 'doorstep');
    const auth = { url: authUrl, params: { token: ticket } };
    first?.socket.send(JSON.stringify({ type: 'hello', hello: { version: '2.0', auth } }));
    await eventually(async () => {
      const next = await socket(strict.url, here);
      others.push(next);
      return next.status === 101;
    }, 'room for one more after a hello was accepted');
    for (const each of [...open, ...others, elsewhere]) each.socket.terminate();
  });

  test('are closed in the end, however many hellos are refused meanwhile; who was let in stays', async () => {
    // Who stands still for a moment may be late.
    const letIn = (name: string, options: { transport?: TransportName } = {}) =>
      eventually(
        () => region.visitor(impatient, name, 'doorstep-in', { userId: name, ...options }),
        `${name} to be let in in time`,
      );
    const [inside, polling] = [await letIn('inside'), await letIn('polling', { transport: 'socket.io-polling' })];
    // More than one hello was refused on it, and each would have given it two more seconds.
    await eventually(async () => (await nags()) > 1, 'a client that nags to be refused more than once', 30_000);
    for (const client of [inside, polling]) await client.fence();
  });

  /** Says one bad hello after the other until it is closed, as it must be; answers how many were refused. */
  async function nags(): Promise<number> {
    const startedAt = performance.now();
    const nagging = await region.connect(impatient, 'Nagging');
    let refused = 0;
    const nag = async () => {
      try {
        await nagging.hello({ ticket: 'a.b.c', authUrl: `${PUBLIC_URL}/join` });
      } catch (error) {
        refused += Number(String(error).includes('invalid_token'));
      }
    };
    const closed = nagging.expectClosed();
    let isOpen = true;
    void closed.then(() => (isOpen = false));
    while (isOpen && performance.now() - startedAt < 20_000) await Promise.race([nag(), closed]);
    expect(await closed).toBe('close 1000');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(PATIENCE.patienceMs - 50);
    return refused;
  }

  test('of Engine.IO as well: without a Socket.IO connection, and with ones that come and go', async () => {
    // Engine.IO's own type says less than what it holds.
    const { clients } = impatient.io.engine as unknown as { clients: Record<string, unknown> };
    const held: string[] = [];
    impatient.io.engine.on('connection', ({ id }: { id: string }) =>
      held.push(...[id].filter((each) => each in clients)),
    );
    const silent = await engine(impatient.url);
    const restless = await engine(impatient.url);
    expect([silent.status, restless.status]).toEqual([200, 200]);
    expect(held).toEqual(expect.arrayContaining([silent.sid, restless.sid]));
    await eventually(
      async () => {
        for (const packet of ['40', '41']) await restless.send(packet);
        return !(silent.sid in clients) && !(restless.sid in clients);
      },
      () => `both to be cut; there are ${Object.keys(clients).join(', ')} of ${silent.sid} and ${restless.sid}`,
    );
  });
});
