import { createServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { brandAs, type SessionId } from '@parley/domain';
import { eventually, selfSigned } from '@parley/testing';
import { WebSocketServer, type WebSocket } from 'ws';
import { ReachRules } from '../spreed/backend-agent';
import { FederationLink } from './federation-link';
import type { FederationState } from './federation-state';
import type { FederationEntry, LinkHome } from './link-terms';

interface Frame {
  readonly id?: string;
  readonly type: string;
  readonly hello?: { resumeid?: string; auth?: { type: string } };
  readonly room?: { roomid: string };
}

/** A far side of a few lines: what it answers is part of the test. */
class FarSide {
  readonly received: Frame[] = [];
  readonly sockets: WebSocket[] = [];
  /** What a hello is answered with instead of a session. */
  refuse: ((frame: Frame) => string | undefined) | undefined;
  /** Requests to enter a room stay unanswered. */
  mute = false;
  features = ['federation'];
  private sessions = 0;

  private constructor(private readonly server: WebSocketServer) {
    server.on('connection', (socket) => {
      this.sockets.push(socket);
      this.say({ type: 'welcome', welcome: { features: this.features } }, socket);
      socket.on('message', (data: Buffer) => this.answer(JSON.parse(data.toString('utf8')) as Frame, socket));
    });
  }

  static async start(): Promise<FarSide> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    return new FarSide(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  say(frame: object, socket = this.sockets.at(-1)): void {
    socket?.send(JSON.stringify(frame));
  }

  of(type: string): Frame[] {
    return this.received.filter((frame) => frame.type === type);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(frame: Frame, socket: WebSocket): void {
    this.received.push(frame);
    const { id, type } = frame;
    if (type === 'hello') {
      const code = this.refuse?.(frame);
      if (code !== undefined) return this.say({ id, type: 'error', error: { code, message: '' } }, socket);
      if (frame.hello?.resumeid === undefined) this.sessions += 1;
      const n = this.sessions;
      return this.say({ id, type: 'hello', hello: { sessionid: `far-${n}`, resumeid: `resume-${n}` } }, socket);
    }
    if (type === 'room' && !this.mute) this.say({ id, type: 'room', room: frame.room }, socket);
  }
}

let far: FarSide;
let link: FederationLink;
let delivered: Frame[];
let kept: (FederationState | undefined)[];
let noted: FederationState[];
let ended: boolean[];
/** Whether the session is still there. */
let present: boolean;

const LOOPBACK = new ReachRules(['127.0.0.0/8']);

/** For what is never answered; all else has the time that a busy machine needs. */
const SHORT_MS = 300;

function homeWith({ rules = LOOPBACK, timeoutMs = 15_000 } = {}): LinkHome {
  return {
    session: brandAs<SessionId>('near'),
    features: [],
    backendUrl: 'https://near.test/',
    rules,
    headers: {},
    times: { timeoutMs, firstRetryMs: 10, lastRetryMs: 40 },
    deliver: async (frame) => {
      if (present) delivered.push(JSON.parse(frame) as Frame);
      return present;
    },
    keep: async (state) => void kept.push(state),
    note: async (state) => void noted.push(state),
    failed: (error) => {
      throw error;
    },
    ended: (outside) => void ended.push(outside),
  };
}

function entryAt(socketUrl: string, id = '1'): FederationEntry {
  const room = { local: 'here', remote: 'there' };
  return { id, socketUrl, url: 'https://far.test/', token: 't', room, foreignSessionId: undefined };
}

/** The other side does not answer about rooms, and is not waited for long. */
function muteWith(timeoutMs: number): void {
  far.mute = true;
  link = new FederationLink(homeWith({ timeoutMs }));
}

const eventTypes = () => delivered.map((frame) => (frame as { event?: { type: string } }).event?.type ?? frame.type);
const until = (what: string, check: () => boolean) =>
  eventually(check, () => `${what}; told: ${JSON.stringify(delivered)}`);

beforeEach(async () => {
  far = await FarSide.start();
  [delivered, kept, noted, ended, present] = [[], [], [], [], true];
  link = new FederationLink(homeWith());
});
afterEach(async () => {
  await link.drop();
  await far.close();
});

test('the answer has the id of the request and what another replica needs is kept before', async () => {
  expect(await link.enter(entryAt(far.url))).toBeUndefined();
  await until('the answer', () => delivered.length === 1);
  expect(delivered).toEqual([{ id: '1', type: 'room', room: { roomid: 'here' } }]);
  expect(kept).toEqual([
    expect.objectContaining({ remoteRoom: 'there', remoteSessionId: 'far-1', resumeId: 'resume-1' }),
  ]);
});

test.each([
  ['a server that does not federate', () => (far.features = []), 'federation_unsupported'],
  ['a refused hello', () => (far.refuse = () => 'token_expired'), 'token_expired'],
  ['a room without an answer', () => muteWith(SHORT_MS), 'federation_error'],
])('%s is refused and leaves nothing behind', async (_, prepare, code) => {
  prepare();
  expect(await link.enter(entryAt(far.url))).toMatchObject({ code });
  expect(kept).toEqual([]);
  expect(link.isOver).toBe(true);
  await until('the end', () => far.sockets.every(({ readyState }) => readyState >= 2));
});

test('a far side that counts is told where to go on; another replica knows at once that there is such a place', async () => {
  await link.enter(entryAt(far.url));
  far.say({ type: 'novelty', seq: '7' });
  await until('a place', () => noted.length > 0);
  expect([noted.at(-1)?.lastSeq, delivered.at(-1)]).toEqual(['7', { type: 'novelty' }]);
  far.say({ type: 'novelty', seq: '8' });
  await until('the next frame', () => delivered.length === 3);
  far.sockets[0]?.terminate();
  await until('the resume', () => eventTypes().includes('federation_resumed'));
  expect(far.of('hello').at(-1)?.hello).toMatchObject({ resumeid: 'resume-1', lastSeq: '8' });
});

test('an address that is not allowed is not dialled', async () => {
  link = new FederationLink(homeWith({ rules: new ReachRules(['10.0.0.0/8']) }));
  expect(await link.enter(entryAt(far.url))).toMatchObject({ code: 'federation_error' });
  // By a name as well: the name is looked up and its address is checked.
  link = new FederationLink(homeWith({ rules: new ReachRules(['10.0.0.0/8']) }));
  expect(await link.enter(entryAt(far.url.replace('127.0.0.1', 'localhost')))).toMatchObject({
    code: 'federation_error',
  });
  expect(far.sockets).toHaveLength(0);
});

test('when the session there is lost and the token no longer counts, the client is out', async () => {
  await link.enter(entryAt(far.url));
  far.refuse = ({ hello }) => (hello?.resumeid === undefined ? 'token_expired' : 'no_such_session');
  far.sockets[0]?.terminate();
  await until('the end', () => ended.length > 0);
  await until('the message', () => delivered.length === 3);
  expect(eventTypes()).toEqual(['room', 'federation_interrupted', 'room']);
  expect(delivered.at(-1)?.room).toEqual({ roomid: '' });
  expect([ended, kept.at(-1)]).toEqual([[true], undefined]);
});

test('without its client it begins nothing new', async () => {
  await link.enter(entryAt(far.url));
  link.attached = false;
  far.refuse = () => 'no_such_session';
  far.sockets[0]?.terminate();
  await until('the end', () => ended.length > 0);
  expect(far.of('hello').map(({ hello }) => hello?.resumeid)).toEqual([undefined, 'resume-1']);
  // What is kept remains for whoever resumes the session.
  expect(kept).toHaveLength(1);
});

test('what comes again and again is tried again and again, and told once', async () => {
  await link.enter(entryAt(far.url));
  let tries = 0;
  far.refuse = () => (++tries < 4 ? 'too_many_requests' : undefined);
  far.sockets[0]?.terminate();
  await until('the resume', () => eventTypes().includes('federation_resumed'));
  expect(eventTypes()).toEqual(['room', 'federation_interrupted', 'federation_resumed']);
  expect(tries).toBe(4);
});

test('a connection that another replica took over ends without a word', async () => {
  await link.enter(entryAt(far.url));
  far.say({ type: 'bye', bye: { reason: 'session_resumed' } });
  await until('the end', () => ended.length > 0);
  expect([ended, kept.length, eventTypes()]).toEqual([[false], 1, ['room']]);
});

test('every other bye throws the client out', async () => {
  await link.enter(entryAt(far.url));
  far.say({ type: 'bye', bye: { reason: 'room_session_reconnected' } });
  await until('the end', () => delivered.length === 2);
  expect(delivered.at(-1)).toEqual({ type: 'room', room: { roomid: '' } });
  expect(ended).toEqual([true]);
});

test('when the session is gone, the one there is as well', async () => {
  await link.enter(entryAt(far.url));
  present = false;
  far.say({ type: 'novelty' });
  await until('the bye', () => far.of('bye').length === 1);
});

test('leaving without an answer is answered here', async () => {
  link = new FederationLink(homeWith({ timeoutMs: 2_000 }));
  await link.enter(entryAt(far.url));
  far.mute = true;
  await link.leave('9');
  expect(delivered.at(-1)).toEqual({ id: '9', type: 'room', room: { roomid: '' } });
  expect(kept.at(-1)).toBeUndefined();
});

test('a certificate that does not hold is named', async () => {
  const server = await untrustedServer();
  try {
    const { port } = server.address() as AddressInfo;
    expect(await link.enter(entryAt(`wss://127.0.0.1:${port}/`))).toMatchObject({
      code: 'federation_error',
      details: { code: 'certificate_verification_error' },
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A TLS server whose certificate nobody vouches for. */
async function untrustedServer(): Promise<HttpsServer> {
  const server = createServer({ ...selfSigned('far.test') });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
