import { WebSocket } from 'ws';
import { eventually } from '@parley/testing';
import { ParleyClient, ParleyError } from '../src';
import { ears, message } from './ears';
import { FakeParley, sendJson } from './fake-parley';

let eu: FakeParley;
let us: FakeParley;

beforeEach(async () => {
  [eu, us] = [await FakeParley.start('eu-1'), await FakeParley.start('us-1')];
});

afterEach(async () => {
  await Promise.all([eu.close(), us.close()]);
});

/** It is patient, as a busy machine may need it to be. */
const TIMES = { retryMs: 5, moveMs: 5, answerMs: 20_000, giveUpMs: 20_000 };

function client(frontDoor: 'nearest' | 'as-given' = 'as-given', times = TIMES) {
  return new ParleyClient({ url: eu.url, frontDoor, webSocket: WebSocket, times });
}

const request = { room: 'a.test/lobby', displayName: 'Ada' };

const wrongRegion = (frame: Record<string, unknown>, url: string) => ({
  id: frame.id,
  type: 'error',
  error: { code: 'wrong_region', message: 'Elsewhere.', details: { region: 'us-1', url } },
});

it('enters a room with a ticket and hears what is said from the first moment', async () => {
  eu.answerFrame = (frame, socket) => {
    const answer = eu.usual(frame);
    if (frame.type !== 'room') return answer;
    // In one go, as a busy room would.
    socket.send(JSON.stringify(answer));
    socket.send(JSON.stringify({ type: 'event', seq: '1', event: { target: 'room', type: 'join' } }));
    return undefined;
  };
  const { handlers, has, heard } = ears();
  const session = await client().join(request, handlers);
  await has('event join');
  expect(heard[0] === 'connected' || heard[0] === 'event join').toBe(true);
  expect(eu.hellos[0]).toMatchObject({
    version: '2.0',
    features: ['message-seq'],
    auth: { url: `${eu.url}/join`, params: { token: 'ticket of eu-1 1' } },
  });
  expect([session.sessionId, session.roomId, session.signalingUrl]).toEqual(['eu-1-1', 'a.test/lobby', eu.socketUrl]);
  session.leave();
  await has('closed: left');
});

it('goes where it is told when its hello came to the wrong region, with the same ticket', async () => {
  eu.answerFrame = (frame) => wrongRegion(frame, us.socketUrl);
  const session = await client().join(request);
  expect(session.signalingUrl).toBe(us.socketUrl);
  expect(us.hellos).toEqual(eu.hellos);
  expect(eu.sockets.size + us.sockets.size).toBeLessThanOrEqual(2);
  session.leave();
});

it('is not sent round for ever', async () => {
  eu.answerFrame = (frame) => wrongRegion(frame, us.socketUrl);
  us.answerFrame = (frame) => wrongRegion(frame, eu.socketUrl);
  await expect(client().join(request)).rejects.toMatchObject({ code: 'wrong_region', facts: { region: 'us-1' } });
  // With the first ticket and with another one.
  expect([eu.hellos.length, us.hellos.length]).toEqual([2, 2]);
});

it('gets another ticket when the domain moved before it entered the room', async () => {
  eu.answerFrame = (frame) => (frame.type === 'room' ? wrongRegion(frame, us.socketUrl) : eu.usual(frame));
  eu.answerRest = (_request, response) => sendJson(response, 200, (eu.calls.length === 1 ? eu : us).joinAnswer());
  const session = await client().join(request);
  expect(session.signalingUrl).toBe(us.socketUrl);
  session.leave();
});

it('asks the home region itself where its domain may not be seen, once', async () => {
  eu.answerRest = (_request, response) =>
    sendJson(response, 421, { code: 'wrong_region' }, { 'x-home-region': 'us-1', 'x-home-host': new URL(us.url).host });
  const session = await client().join(request);
  // A fetch repeats what was answered 421 on another connection by itself, as its standard says.
  expect(new Set(eu.calls)).toEqual(new Set(['POST /join']));
  expect(us.calls).toEqual(['POST /join']);
  session.leave();
  us.answerRest = eu.answerRest;
  await expect(client().join(request)).rejects.toMatchObject({ code: 'wrong_region', facts: { status: 421 } });
});

it('resumes a broken connection behind the last frame it handled', async () => {
  const { handlers, has, heard } = ears();
  const session = await client().join(request, handlers);
  eu.tell(message('one', 'seq-1'));
  await has('message one');
  eu.answerFrame = (frame, socket) => {
    socket.send(JSON.stringify(eu.usual(frame)));
    if (frame.type === 'hello') socket.send(JSON.stringify(message('two', 'seq-2')));
    return undefined;
  };
  eu.cut();
  await has('message two');
  await has('connected: resumed');
  expect(eu.hellos[1]).toEqual({ version: '2.0', resumeid: 'resume-eu-1', lastSeq: 'seq-1' });
  expect(heard.filter((line) => line.startsWith('message'))).toEqual(['message one', 'message two']);
  session.leave();
});

it('comes in anew when its session is gone, and ends for good when it is thrown out', async () => {
  const { handlers, has } = ears();
  await client().join(request, handlers);
  eu.answerFrame = (frame) => {
    if (frame.type !== 'hello' || !('resumeid' in (frame.hello as object))) return eu.usual(frame);
    return { id: frame.id, type: 'error', error: { code: 'no_such_session', message: 'Gone.' } };
  };
  eu.cut();
  await has('connected: renewed');
  expect(eu.calls).toEqual(['POST /join', 'POST /join']);
  eu.tell({ type: 'bye', bye: { reason: 'kicked' } });
  await has('closed: kicked');
  await eventually(() => eu.sockets.size === 0, 'the line to be closed');
});

/** What the gateway of a region says when a domain leaves it, all at once as a busy room would. */
const leaving = (to: string) => [
  message('the last word', 'seq-1'),
  {
    type: 'event',
    seq: 'seq-2',
    event: { target: 'room', type: 'switchto', switchto: { roomid: 'a.test/lobby', details: { region: to } } },
  },
  { type: 'room', seq: 'seq-3', room: { roomid: '' } },
];

it('follows its room to another region: it hears all until the end, and is patient until the room is open there', async () => {
  const { handlers, has, heard } = ears();
  const session = await client().join(request, handlers);
  const refusals = [
    [503, 'domain_moving'],
    [421, 'wrong_region'],
    [409, 'room_reserved'],
  ] as const;
  let asked = 0;
  eu.answerRest = (_request, response) => {
    const [status, code] = refusals[asked] ?? [];
    asked += 1;
    if (status === undefined) return sendJson(response, 200, us.joinAnswer());
    // A fetch repeats what was answered 421 by itself, so the next answer is for that one.
    sendJson(response, status, { code });
  };
  for (const frame of leaving('us-1')) eu.tell(frame);
  await has('connected: renewed');
  expect(heard).toEqual([
    'connected',
    'message the last word',
    'event switchto',
    'interrupted: moved',
    'connected: renewed',
  ]);
  expect(asked).toBeGreaterThan(refusals.length);
  expect([session.signalingUrl, us.hellos.length]).toEqual([us.socketUrl, 1]);
  await eventually(() => eu.sockets.size === 0, 'the former region to be rid of it');
  us.tell(message('the first word', 'seq-1'));
  await has('message the first word');
  session.leave();
});

it('follows when it hears only after a resume that its room left', async () => {
  const { handlers, has, heard } = ears();
  const session = await client().join(request, handlers);
  eu.answerRest = (_request, response) => sendJson(response, 200, us.joinAnswer());
  eu.answerFrame = (frame, socket) => {
    socket.send(JSON.stringify(eu.usual(frame)));
    if (frame.type === 'hello') for (const missed of leaving('us-1')) socket.send(JSON.stringify(missed));
    return undefined;
  };
  eu.cut();
  await has('connected: renewed');
  expect(heard).toEqual(['connected', 'interrupted', 'message the last word', 'event switchto', 'connected: renewed']);
  expect(session.signalingUrl).toBe(us.socketUrl);
  session.leave();
});

it('follows a room that left while it was just entering, and none that was only closed', async () => {
  const { handlers, has } = ears();
  eu.answerFrame = (frame, socket) => {
    const answer = eu.usual(frame);
    if (frame.type !== 'room') return answer;
    for (const one of [answer, ...leaving('us-1')]) socket.send(JSON.stringify(one));
    return undefined;
  };
  eu.answerRest = (_request, response) => sendJson(response, 200, (eu.calls.length === 1 ? eu : us).joinAnswer());
  const session = await client().join(request, handlers);
  await has('connected: renewed');
  expect(session.signalingUrl).toBe(us.socketUrl);
  us.tell({ type: 'event', event: { target: 'room', type: 'switchto', switchto: { roomid: 'break-out' } } });
  us.tell({ type: 'room', room: { roomid: '' } });
  await has('closed: room_closed');
});

it('waits for as long as a refusal says, and for a domain that is on its way however long that takes', async () => {
  const { handlers, has } = ears();
  await client('as-given', { ...TIMES, giveUpMs: 100 }).join(request, handlers);
  const asked: number[] = [];
  eu.answerRest = (_request, response) => {
    asked.push(performance.now());
    // Several times as long as it would wait for anything else.
    if (asked.length > 20) return sendJson(response, 200, us.joinAnswer());
    sendJson(response, 503, { code: 'domain_moving' }, asked.length === 20 ? { 'retry-after': '1' } : {});
  };
  for (const frame of leaving('us-1')) eu.tell(frame);
  await has('connected: renewed');
  const [before = 0, after = 0] = asked.slice(-2);
  // As long as it is told, but no longer than it would try at all.
  expect(after - before).toBeGreaterThanOrEqual(90);
});

it('gives up when it was away for too long', async () => {
  const { handlers, has } = ears();
  const session = await client('as-given', { ...TIMES, giveUpMs: 2_000 }).join(request, handlers);
  await eu.close();
  await has('interrupted');
  await eventually(() => {
    try {
      session.send({ type: 'room' }, 'anybody?');
      return false;
    } catch (error) {
      return error instanceof ParleyError && error.code === 'closed';
    }
  }, 'the session to be over');
  await has('closed: unreachable');
  eu = await FakeParley.start('eu-1');
});

it('tells the refusal of a join as it is', async () => {
  eu.answerRest = (_request, response) =>
    sendJson(response, 429, { code: 'rate_limited', detail: 'Too often.' }, { 'retry-after': '7' });
  const refused = { code: 'rate_limited', message: 'Too often.', facts: { status: 429, retryAfterSeconds: 7 } };
  await expect(client().join(request)).rejects.toMatchObject(refused);
});

it('asks for its ticket where the way is shortest', async () => {
  const row = (id: string, { url, socketUrl }: FakeParley) => {
    const facts = { status: 'up', state: 'serving', position: null, group: null };
    return { id, url, signalingUrl: socketUrl, pingUrl: `${url}/ping`, ...facts };
  };
  eu.answerRest = (incoming, response) => {
    if (incoming.url === '/v1/regions') return sendJson(response, 200, [row('eu-1', eu), row('us-1', us)]);
    // Its way is blocked.
    response.destroy();
  };
  us.answerRest = (incoming, response) => {
    if (incoming.url === '/ping') return void response.writeHead(204).end();
    sendJson(response, 200, us.joinAnswer());
  };
  const parley = client('nearest');
  const session = await parley.join(request);
  // What it measured goes along.
  expect(us.calls.at(-1)).toMatch(/^POST \/join\?measured=us-1:\d+$/);
  expect((await parley.region())?.region.id).toBe('us-1');
  session.leave();
});
