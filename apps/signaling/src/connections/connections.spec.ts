import { brandAs, ok, type ReplicaId, type TenantKey, type TicketClaims } from '@parley/domain';
import { createMemoryLive, MemoryLiveHub, type Delivery, type Live, type OwnedSession } from '@parley/live';
import { SignalingMachine, wireError, type Frame, type NewSessionRequest } from '@parley/protocol-spreed-signaling';
import { Metrics } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import type { Authenticated } from '../spreed/entry-right';
import type { SpreedServices } from '../spreed/services';
import { Connections } from './connections';
import type { Waiting } from './doorstep';
import type { Transport, TransportEvents } from './transport';

const HELLO_MS = 2_000;
const WAITING: Waiting = {
  onLate: () => undefined,
  admitted: () => undefined,
  again: () => undefined,
  gone: () => undefined,
};
const nothing = () => undefined;

interface Heard {
  readonly type: string;
  readonly hello?: { readonly sessionid: string; readonly resumeid: string };
  readonly message?: { readonly data: unknown };
  readonly bye?: { readonly reason: string };
}

/** A socket whose buffers are full when the test says so. */
class FakeSocket implements Transport {
  readonly kind = 'websocket';
  readonly address = '192.0.2.1';
  readonly heard: Heard[] = [];
  takes = true;
  closedWith: number | undefined;

  send(frames: readonly Frame[], flushed: () => void): void {
    this.heard.push(...frames.map(({ text }) => JSON.parse(text) as Heard));
    if (this.takes) flushed();
  }
  pause(): boolean {
    return true;
  }
  resume(): void {}
  close(code: number): void {
    this.closedWith = code;
  }
  terminate(): void {}
}

type Admission = ReturnType<SpreedServices['authenticator']['authenticate']>;

/** The connections of one replica. */
function replica(sessions: Live['sessions'] | undefined, authenticate: (hello: NewSessionRequest) => Admission) {
  const broken: unknown[] = [];
  // As much of the house as clients use here that only talk to each other.
  const services = {
    sessions,
    times: { helloMs: HELLO_MS, guestJoinMs: HELLO_MS },
    authenticator: { authenticate },
    census: { connected: nothing, arrived: nothing, departed: nothing, refused: nothing, call: nothing },
    robots: { arrived: nothing, departed: nothing },
    federations: { detach: async () => undefined },
    errors: { report: (error: unknown) => broken.push(error) },
  } as unknown as SpreedServices;
  const connections = new Connections(new SignalingMachine({ version: '1' }), services, new Metrics('test'));
  const connect = () => {
    const socket = new FakeSocket();
    const reports: TransportEvents[] = [];
    connections.accept((events) => {
      reports.push(events);
      return socket;
    }, WAITING);
    const [events] = reports;
    if (!events) throw new Error('nobody listens to the socket');
    return { socket, says: (frame: object) => events.text(JSON.stringify(frame)), breaks: () => events.closed() };
  };
  return { connections, connect, broken };
}

function helloOf(name: string): object {
  const auth = { url: 'https://chat.example/', params: { token: name } };
  return { id: '1', type: 'hello', hello: { version: '2.0', auth } };
}

describe('what was taken directly in the turn in which its receiver', () => {
  const hub = () => new MemoryLiveHub();
  const open: Live[] = [];
  afterEach(() => Promise.all(open.splice(0).map((live) => live.close())));

  function liveOn(hubOf: MemoryLiveHub, name: string): Live {
    const live = createMemoryLive({ replica: brandAs<ReplicaId>(name), hub: hubOf });
    open.push(live);
    return live;
  }

  /** Ann and Ben on one replica. */
  async function twoPeople(live: Live) {
    const { connections, connect, broken } = replica(live.sessions, async (hello) => {
      const userId = hello.kind === 'token' ? hello.token : '';
      const admitted: Authenticated = {
        identity: { kind: 'client', userId },
        tenant: brandAs<TenantKey>('domain:chat.example'),
        // Nobody enters a room here.
        right: { kind: 'ticket', claims: {} as TicketClaims },
      };
      return ok(admitted);
    });
    const enter = async (name: string) => {
      const client = connect();
      client.says(helloOf(name));
      const { hello } = await eventually(
        () => client.socket.heard.find(({ type }) => type === 'hello'),
        () => `the hello of ${name}, who heard ${JSON.stringify(client.socket.heard)}`,
      );
      if (!hello) throw new Error('a hello without ids');
      // Events are let through a turn after the answer.
      await new Promise(setImmediate);
      const [, secret = ''] = hello.resumeid.split('.');
      return { ...client, id: brandAs<OwnedSession['record']['id']>(hello.sessionid), secret };
    };
    const [ann, ben] = [await enter('ann'), await enter('ben')];
    const recipient = { type: 'session', sessionid: ben.id };
    const annSpeaks = () => ann.says({ type: 'message', message: { recipient, data: 'psst' } });
    return { connections, broken, ben, annSpeaks };
  }

  /** Whoever resumes the session is told what its former connection did not take. */
  async function expectKept(
    live: Live,
    { id, secret, socket }: Awaited<ReturnType<typeof twoPeople>>['ben'],
  ): Promise<void> {
    const said: string[] = [];
    const hears = ({ event }: Delivery) => void (event.kind === 'message' && said.push(event.raw));
    const outcome = await live.sessions.resume(id, secret, { deliver: hears, ended: nothing });
    if (outcome.kind !== 'resumed') throw new Error(`it was ${outcome.kind}`);
    outcome.missed.forEach(hears);
    await eventually(
      () => said.length > 0,
      () => `the message; the former connection heard ${JSON.stringify(socket.heard)}`,
    );
    expect(said).toEqual([expect.stringContaining('psst')]);
  }

  test.each(['another replica', 'the same replica'])(
    'goes on at %s and its socket does not take it is kept for whoever has the session now',
    async (where) => {
      const store = hub();
      const one = liveOn(store, 'one');
      const other = where === 'the same replica' ? one : liveOn(store, 'other');
      const { ben, annSpeaks, broken } = await twoPeople(one);
      const publish = store.publish.bind(store);
      jest.spyOn(store, 'publish').mockImplementation((topic, text) => {
        // It was taken over: Ben's former connection hears of it right after this, in the same turn.
        if (topic === `s:${ben.id}` && text.startsWith('t')) {
          ben.socket.takes = false;
          if (where === 'the same replica') annSpeaks();
          else setImmediate(annSpeaks);
        }
        publish(topic, text);
      });
      await expectKept(other, ben);
      expect(ben.socket.heard.at(-1)?.bye).toEqual({ reason: 'session_resumed' });
      expect(broken).toEqual([]);
    },
  );

  test('is given up by a replica that goes away, and its socket does not take it, is kept for the resume', async () => {
    const store = hub();
    const other = liveOn(store, 'other');
    const { connections, ben, annSpeaks, broken } = await twoPeople(liveOn(store, 'one'));
    const gone = connections.shutdown();
    ben.socket.takes = false;
    annSpeaks();
    await gone;
    await expectKept(other, ben);
    expect(broken).toEqual([]);
  });

  test('loses its connection is kept for the resume', async () => {
    const live = liveOn(hub(), 'one');
    const { ben, annSpeaks, broken } = await twoPeople(live);
    annSpeaks();
    ben.breaks();
    await expectKept(live, ben);
    expect(ben.socket.heard.map(({ type }) => type)).toEqual(['welcome', 'hello']);
    expect(broken).toEqual([]);
  });

  test('is ended is written before its bye', async () => {
    const store = hub();
    const live = liveOn(store, 'one');
    const { ben, annSpeaks, broken } = await twoPeople(live);
    const publish = store.publish.bind(store);
    jest.spyOn(store, 'publish').mockImplementation((topic, text) => {
      if (topic === `s:${ben.id}`) setImmediate(annSpeaks);
      publish(topic, text);
    });
    expect(await live.sessions.end(ben.id, 'account deleted')).toBe(true);
    await eventually(
      () => ben.socket.closedWith,
      () => `the end; there was ${JSON.stringify(ben.socket.heard)}`,
    );
    expect(ben.socket.heard.slice(2)).toMatchObject([
      { type: 'message', message: { data: 'psst' } },
      { type: 'bye', bye: { reason: 'account deleted' } },
    ]);
    expect(broken).toEqual([]);
  });
});

describe('the hello timer', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] }));
  afterEach(() => void jest.useRealTimers());

  /** A client whose hello is refused when the test says so. */
  function stranger() {
    const refusals: (() => void)[] = [];
    const house = replica(undefined, async () => {
      await new Promise<void>((resolve) => refusals.push(resolve));
      return { ok: false, error: wireError('invalid_token') };
    });
    const client = house.connect();
    const refused = async () => {
      refusals.shift()?.();
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    };
    return { ...house, ...client, refused };
  }

  const typesOf = ({ heard }: FakeSocket) => heard.map(({ type }) => type);

  test('starts anew with each refusal', async () => {
    const { socket, says, refused } = stranger();
    says(helloOf('eve'));
    await jest.advanceTimersByTimeAsync(2 * HELLO_MS); // the backend may be slow
    await refused();
    expect(typesOf(socket)).toEqual(['welcome', 'error']);
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(HELLO_MS);
    expect(typesOf(socket)).toEqual(['welcome', 'error', 'bye']);
    expect(socket.closedWith).toBe(1000);
  });

  test('of a connection that is lost ends with it', async () => {
    const { socket, breaks, connections, broken } = stranger();
    await new Promise(setImmediate);
    expect(jest.getTimerCount()).toBe(1);
    breaks();
    expect(jest.getTimerCount()).toBe(0);
    await jest.advanceTimersByTimeAsync(2 * HELLO_MS);
    expect(typesOf(socket)).toEqual(['welcome']);
    expect(socket.closedWith).toBeUndefined();
    expect([connections.size, broken]).toEqual([0, []]);
  });

  test('of a connection that was lost while its hello was decided does not start anew', async () => {
    const { socket, says, breaks, refused, connections, broken } = stranger();
    says(helloOf('eve'));
    breaks();
    await refused();
    expect(jest.getTimerCount()).toBe(0);
    await jest.advanceTimersByTimeAsync(2 * HELLO_MS);
    expect(socket.closedWith).toBeUndefined();
    expect([connections.size, broken]).toEqual([0, []]);
  });

  test('of a connection that was closed for another reason ends with it', async () => {
    const { socket, says, broken } = stranger();
    says({ type: 'message', padding: 'x'.repeat(65_536) });
    await new Promise(setImmediate);
    expect(socket.closedWith).toBe(1009);
    expect(jest.getTimerCount()).toBe(0);
    await jest.advanceTimersByTimeAsync(2 * HELLO_MS);
    expect(typesOf(socket)).toEqual(['welcome']);
    expect(broken).toEqual([]);
  });
});
