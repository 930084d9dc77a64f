import { brandAs, type CoreEvent, type ReplicaId, type SessionId, type TenantKey } from '@parley/domain';
import { eventually } from '@parley/testing';
import { verifierOf } from '../src/cursor';
import { createMemoryLive, LIVE_TIMES, MemoryLiveHub, type Delivery, type Live, type OwnedSession } from '../src/index';

const TENANT = brandAs<TenantKey>('domain:chat.example');

/** A connection that takes things directly while it is asked to. */
class DirectSink {
  takes = true;
  readonly got: string[] = [];
  readonly passed: number[] = [];
  session: OwnedSession | undefined;

  deliver({ cursor, event }: Delivery): void {
    this.got.push(`${textOf(event)} (log ${cursor.session})`);
    this.session?.acknowledge(cursor);
  }

  deliverDirectly({ event }: Delivery): boolean {
    if (this.takes) this.got.push(textOf(event));
    return this.takes;
  }

  passedAt(cursor: { session: number }): void {
    this.passed.push(cursor.session);
  }

  ended(): void {}
}

function textOf(event: CoreEvent): string {
  return event.kind === 'message' ? event.raw : event.kind;
}

function message(raw: string): CoreEvent {
  const sender = { sessionId: brandAs<SessionId>('x'), userId: '' };
  return { kind: 'message', channel: 'message', addressed: 'session', sender, dialect: 'd', raw, signal: 'app' };
}

describe('shortcut between sessions of one replica', () => {
  const open: Live[] = [];
  afterEach(() => Promise.all(open.splice(0).map((live) => live.close())));

  function replica(hub: MemoryLiveHub, name: string): Live {
    // A replica that stood still for long asks before it sends directly.
    const times = { ...LIVE_TIMES, deadAfterMs: 600_000 };
    const live = createMemoryLive({ replica: brandAs<ReplicaId>(name), hub, times });
    open.push(live);
    return live;
  }

  async function person(live: Live, name: string, tenant = TENANT) {
    const sink = new DirectSink();
    const id = brandAs<SessionId>(`${name}.1`);
    const handlers = {
      deliver: (delivery: Delivery) => sink.deliver(delivery),
      deliverDirectly: (delivery: Delivery) => sink.deliverDirectly(delivery),
      passed: (cursor: { session: number }) => sink.passedAt(cursor),
      ended: () => undefined,
    };
    const record = { id, tenant, kind: 'client' as const, userId: name, features: [], dialect: 'd', attributes: {} };
    const session = await live.sessions.open({ ...record, resumeVerifier: verifierOf('secret') }, handlers);
    sink.session = session;
    await new Promise(setImmediate);
    return { id, sink, session };
  }

  test('hands a message over at once, and only to the same tenant and replica', async () => {
    const hub = new MemoryLiveHub();
    const [one, two] = [replica(hub, 'one'), replica(hub, 'two')];
    const alice = await person(one, 'alice');
    const bob = await person(one, 'bob');
    const stranger = await person(one, 'stranger', brandAs<TenantKey>('domain:other.example'));
    const remote = await person(two, 'remote');
    expect(alice.session.sendDirectly(bob.id, message('hello'))).toBe(true);
    expect(bob.sink.got).toEqual(['hello']);
    expect(alice.session.sendDirectly(stranger.id, message('hello'))).toBe(false);
    expect(alice.session.sendDirectly(remote.id, message('hello'))).toBe(false);
  });

  test('is closed until everything its sender did over the bus has been heard', async () => {
    const live = replica(new MemoryLiveHub(), 'one');
    const alice = await person(live, 'alice');
    const bob = await person(live, 'bob');
    await alice.session.overBus(() => live.sessions.toSession(TENANT, bob.id, message('by bus')));
    expect(alice.session.sendDirectly(bob.id, message('too early'))).toBe(false);
    await eventually(
      () => alice.session.sendDirectly(bob.id, message('direct')),
      () => 'the shortcut to open again',
    );
    expect(bob.sink.got).toEqual(['by bus (log 1)', 'direct']);
  });

  test('what could not be written goes to the log before anything else of its sender, and is not handed over twice', async () => {
    const live = replica(new MemoryLiveHub(), 'one');
    const alice = await person(live, 'alice');
    const bob = await person(live, 'bob');
    alice.session.sendDirectly(bob.id, message('unwritten'));
    bob.session.keep([message('unwritten')]);
    await alice.session.overBus(() => live.sessions.toSession(TENANT, bob.id, message('by bus')));
    await eventually(
      () => bob.sink.got.length === 2,
      () => `the message over the bus; there are ${bob.sink.got.join(', ')}`,
    );
    expect(bob.sink.got).toEqual(['unwritten', 'by bus (log 2)']);
    expect(bob.sink.passed).toEqual([1]);
    // Its connection breaks before any of it was written: a resume gives both, in order.
    const silent = { deliver: () => undefined, ended: () => undefined };
    const again = await live.sessions.resume(bob.id, 'secret', silent, { session: 0 });
    if (again.kind !== 'resumed') throw new Error(`it was ${again.kind}`);
    expect(again.missed.map(({ event }) => textOf(event))).toEqual(['unwritten', 'by bus']);
  });
});
