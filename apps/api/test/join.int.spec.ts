import { joinAnswerSchema, problemSchema } from '@parley/contracts';
import { freshNames, id } from './expected';
import { backEnd, DOMAIN, startTestApi, type TestApi } from './running-api';

let api: TestApi;
let call: ReturnType<typeof backEnd>;
const freshName = freshNames();
const fresh = () => id(freshName());

beforeAll(async () => {
  api = await startTestApi();
  call = backEnd(api.url, api.demo);
});
afterAll(() => api.close());

async function join(body: unknown, from = '198.51.100.1') {
  const response = await fetch(`${api.url}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const json: unknown = await response.json();
  return { status: response.status, headers: response.headers, json };
}

/** Asks, and insists on a problem. */
async function refusal(body: unknown, from?: string) {
  const { status, headers, json } = await join(body, from);
  const problem = problemSchema.parse(json);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(problem.status).toBe(status);
  return { status, code: problem.code, retryAfter: headers.get('retry-after') };
}

describe('POST /join', () => {
  it('opens a room for a visitor and hands out a ticket', async () => {
    const room = fresh();
    const { status, json } = await join({ room, displayName: 'Ann' });
    expect(status).toBe(200);
    const answer = joinAnswerSchema.parse(json);
    expect(answer).toEqual({
      ticket: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as unknown,
      authUrl: 'http://parley.example/tickets',
      signalingUrl: 'ws://parley.example/spreed',
      iceServers: [{ urls: 'stun:stun.example' }],
      roomId: room,
      peerType: 1,
    });
    const claims = JSON.parse(Buffer.from(answer.ticket.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
    expect(claims).toMatchObject({ domain: DOMAIN, role: 'by-arrival', displayName: 'Ann', region: 'eu-1' });
  });

  it('the host key makes a host, and passes lock and password', async () => {
    const room = fresh();
    const opened = await call('room/init', { id: room, type: 2, key: 'pw', lock: true, addHostKey: true });
    const { hostKey } = opened.data as { hostKey: string };
    expect((await join({ room, hostKey })).json).toMatchObject({ peerType: 3 });
    expect(await refusal({ room, password: 'pw' })).toMatchObject({ status: 403, code: 'room_locked' });
    await call('room/setLock', { id: room, lock: false });
    expect((await join({ room, password: 'pw' })).json).toMatchObject({ peerType: 4 });
    expect(await refusal({ room })).toMatchObject({ status: 403, code: 'wrong_password' });
    expect(await refusal({ room, hostKey: 'x' })).toMatchObject({ status: 403, code: 'wrong_host_key' });
  });

  it('a booking keeps visitors out until the API opens the room', async () => {
    const room = fresh();
    const roomName = room.slice(DOMAIN.length + 1);
    await call('booking/add', { domain: DOMAIN, roomName, validUntil: Date.now() + 3_600_000 });
    expect(await refusal({ room })).toMatchObject({ status: 409, code: 'room_booked' });
    await call('room/init', { id: room });
    expect((await join({ room })).status).toBe(200);
  });

  it('refuses unknown domains, impossible rooms and bodies of another form', async () => {
    expect(await refusal({ room: 'nowhere.example/a' })).toMatchObject({ status: 404, code: 'domain_not_found' });
    expect(await refusal({ room: 'nonsense' })).toMatchObject({ status: 400, code: 'invalid_input' });
    expect(await refusal({})).toMatchObject({ status: 400, code: 'invalid_input' });
    expect(await refusal({ room: fresh(), extra: 1 })).toMatchObject({ status: 400, code: 'invalid_input' });
    expect(await refusal('{')).toMatchObject({ status: 400, code: 'invalid_input' });
    expect(await refusal('x'.repeat(70_000))).toMatchObject({ status: 413, code: 'body_too_large' });
  });

  it('is open to pages of any origin, refusals included', async () => {
    const preflight = await fetch(`${api.url}/join`, { method: 'OPTIONS' });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('content-type');
    expect((await join({})).headers.get('access-control-allow-origin')).toBe('*');
    expect((await join({ room: fresh() })).headers.get('access-control-allow-origin')).toBe('*');
  });

  it('other paths and methods are problems, too', async () => {
    for (const [method, path] of [
      ['GET', '/join'],
      ['GET', '/nothing'],
      ['POST', '/v1/admin/keys'],
    ] as const) {
      const response = await fetch(`${api.url}${path}`, { method });
      expect([path, response.status, problemSchema.parse(await response.json()).code]).toEqual([
        path,
        404,
        'not_found',
      ]);
    }
  });
});

describe('guessing', () => {
  it('gets slower for who guesses, not for others', async () => {
    const room = fresh();
    await call('room/init', { id: room, key: 'right' });
    const from = '198.51.100.66';
    const codes: string[] = [];
    // The first pause is a second, which a busy machine may take for two calls; each is twice as long as the one before.
    let right = await join({ room }, from);
    for (let tries = 0; tries < 12 && right.status !== 429; tries += 1) {
      codes.push((await refusal({ room, password: 'wrong' }, from)).code);
      if (codes.at(-1) === 'rate_limited') right = await join({ room, password: 'right' }, from);
    }
    expect(codes.slice(0, 3)).toEqual(['wrong_password', 'wrong_password', 'wrong_password']);
    expect(codes.at(-1)).toBe('rate_limited');
    expect(right).toMatchObject({ status: 429, json: { code: 'rate_limited' } });
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await join({ room, password: 'right' }, '198.51.100.67')).status).toBe(200);
  });

  it('asking without a password is no guess', async () => {
    const room = fresh();
    await call('room/init', { id: room, key: 'right' });
    for (let tries = 0; tries < 6; tries += 1) expect((await refusal({ room })).code).toBe('wrong_password');
    expect((await join({ room, password: 'right' })).status).toBe(200);
  });
});

describe('throttles', () => {
  it('per address and per room', async () => {
    const strict = await api.another({ JOINS_PER_MINUTE_PER_ADDRESS: '2', JOINS_PER_MINUTE_PER_ROOM: '3' });
    const ask = async (room: string, from: string) => {
      const headers = { 'x-forwarded-for': from };
      return (await fetch(`${strict.url}/join`, { method: 'POST', headers, body: JSON.stringify({ room }) })).status;
    };
    const [one, other] = [fresh(), fresh()];
    expect([await ask(one, '203.0.113.1'), await ask(other, '203.0.113.1'), await ask(one, '203.0.113.1')]).toEqual([
      200, 200, 429,
    ]);
    expect([await ask(one, '203.0.113.2'), await ask(one, '203.0.113.3'), await ask(one, '203.0.113.4')]).toEqual([
      200, 200, 429,
    ]);
    await strict.close();
  });
});
