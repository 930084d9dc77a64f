import {
  brandAs,
  DomainError,
  fail,
  ok,
  type ReplicaId,
  type Result,
  type Room,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';
import { createMemoryLive, MemoryLiveHub, type Live, type OwnedSession, type VirtualSession } from '@parley/live';
import type { Backend, Database } from '@parley/persistence';
import { DIALECT, wireError, type WireError } from '@parley/protocol-spreed-signaling';
import type { Logger } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import { tenantOf } from './authenticator';
import type { Backends } from './backends';
import { rightToAttributes } from './entry-right';
import { LeaveNotices } from './leave-notices';
import { openParticipation, type Participation } from './participation';

const policy = {
  version: 1,
  type: 'conference',
  locked: false,
  capacity: 100,
  passwordVersion: 0,
  hasHostKey: false,
};
// Only what is read of them here.
const ROOM = { id: brandAs<RoomSessionId>('room'), policy } as Room;
const CLOUD = { id: 'cloud', domain: 'example', urls: ['https://cloud.test/'] } as unknown as Backend;
const BRIDGE = brandAs<SessionId>('bridge');

const away = () => new DomainError('unavailable', 'The store does not answer.');

/** A backend that takes note of who comes and goes. */
class Cloud {
  readonly heard: { action: string; id: string }[] = [];
  /** What the next requests to remove somebody are answered with; everything else works. */
  readonly removals: (Result<string, WireError> | Promise<Result<string, WireError>>)[] = [];

  readonly nextcloud = {
    requestUrl: async () => 'https://cloud.test/backend',
    send: async (_backend: Backend, _url: string, body: string) => {
      const { session } = JSON.parse(body) as { session: { action: string; sessionid: string } };
      this.heard.push({ action: session.action, id: session.sessionid });
      return (session.action === 'remove' ? await this.removals.shift() : undefined) ?? ok('{}');
    },
  };

  actions(id: string | undefined): string[] {
    return this.heard.filter((one) => one.id === id).map(({ action }) => action);
  }

  async expect(id: string | undefined, ...actions: string[]): Promise<void> {
    await eventually(
      () => this.actions(id).length >= actions.length,
      () => `${actions.join()} of ${id}, not only ${JSON.stringify(this.heard)}`,
      15_000,
    );
    expect(this.actions(id)).toEqual(actions);
  }
}

const hub = () => new MemoryLiveHub();
const open: { live: Live; notices: LeaveNotices }[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const { notices, live } of open.splice(0)) {
    await notices.close();
    await live.close();
  }
});

/** A replica, with everything that tells this backend of virtual sessions. */
function replica(name: string, cloud: Cloud, shared = hub(), departureMs = 60_000) {
  const times = { heartbeatMs: 20, departureMs };
  const live = createMemoryLive({ replica: brandAs<ReplicaId>(name), hub: shared, times });
  const store = { byId: async () => CLOUD };
  const notices = new LeaveNotices({
    backends: store,
    nextcloud: { room: async () => fail(wireError('internal_error')) },
    sessions: live.sessions,
    rooms: live.rooms,
    logger: { warn: () => undefined } as unknown as Logger,
    retryAfterMs: [1, 1],
  });
  open.push({ live, notices });
  const participation = openParticipation({
    live,
    database: { stores: { rooms: { findOpen: async () => ROOM } } } as unknown as Database,
    foreign: { store, nextcloud: cloud.nextcloud, notices } as unknown as Backends,
    clock: { now: () => new Date() },
  });
  return { live, participation };
}

async function withBridge({ live, participation: { virtuals } }: { live: Live; participation: Participation }) {
  const record = {
    id: BRIDGE,
    tenant: tenantOf(CLOUD),
    kind: 'internal',
    userId: '',
    features: [],
    dialect: DIALECT,
    resumeVerifier: '',
    attributes: rightToAttributes({ kind: 'internal', backendId: CLOUD.id }),
  } as const;
  const owner = await live.sessions.open(record, { deliver: () => undefined, ended: () => undefined });
  const named = { chosenId: 'call-1', roomId: 'token', userId: 'phone' };
  const guest = {
    kind: 'add-session',
    ...named,
    user: undefined,
    flags: 1,
    inCall: undefined,
    actor: undefined,
  } as const;
  const changes: number[] = [];
  const changed = () => void changes.push(virtuals.of(BRIDGE).size);
  return {
    owner,
    changes,
    add: () => virtuals.handle(owner, guest, changed),
    remove: () => virtuals.handle(owner, { kind: 'remove-session', ...named }, changed),
    present: () => [...virtuals.of(BRIDGE).keys()],
    members: async () => (await live.rooms.members(ROOM.id)).map(({ sessionId }) => sessionId),
  };
}

/** Something is done to the next virtual session before anybody else has it. */
function withNext(live: Live, change: (session: VirtualSession) => void): void {
  const { sessions } = live;
  const openVirtual = sessions.openVirtual.bind(sessions);
  jest.spyOn(sessions, 'openVirtual').mockImplementationOnce(async (parent, record) => {
    const session = await openVirtual(parent, record);
    change(session);
    return session;
  });
}

describe('a caller the backend consented to, and then', () => {
  const breaks: Record<string, (live: Live) => void> = {
    'it cannot be opened': ({ sessions }) => void jest.spyOn(sessions, 'openVirtual').mockRejectedValueOnce(away()),
    'it cannot come in': (live) =>
      withNext(live, (session) => void jest.spyOn(session, 'join').mockRejectedValueOnce(away())),
    'it comes in and nobody learns of it': (live) =>
      withNext(live, (session) => {
        const join = session.join.bind(session);
        jest.spyOn(session, 'join').mockImplementationOnce(async (request) => {
          await join(request);
          throw away();
        });
      }),
    'the list cannot be told': ({ rooms }) => void jest.spyOn(rooms, 'nextOrder').mockRejectedValueOnce(away()),
  };

  test.each(Object.entries(breaks))(
    '%s: its client and the backend hear so; added again it comes in',
    async (_, cut) => {
      const cloud = new Cloud();
      const one = replica('one', cloud);
      const bridge = await withBridge(one);
      cut(one.live);
      await expect(bridge.add()).rejects.toMatchObject({ code: 'unavailable' });
      expect(bridge.present()).toEqual([]);
      expect(bridge.changes.at(-1) ?? 0).toBe(0);
      const lost = cloud.heard[0]?.id;
      await cloud.expect(lost, 'add', 'remove');
      expect(await bridge.members()).toEqual([]);
      expect(await bridge.add()).toBeUndefined();
      expect(await bridge.members()).toEqual(bridge.present());
      expect(cloud.actions(bridge.present()[0])).toEqual(['add']);
      // Nothing is under way or noted that would be told again.
      await one.live.close();
      expect(cloud.actions(lost)).toEqual(['add', 'remove']);
    },
  );

  test('its replica dies: the backend hears of it from another one', async () => {
    const [cloud, shared] = [new Cloud(), hub()];
    const one = replica('one', cloud, shared, 300);
    const bridge = await withBridge(one);
    jest.spyOn(one.live.sessions, 'openVirtual').mockReturnValueOnce(new Promise(() => undefined));
    void bridge.add();
    await eventually(() => cloud.heard.length > 0, 'the backend to be told of who comes', 15_000);
    await one.live.close();
    replica('two', cloud, shared, 300);
    await cloud.expect(cloud.heard[0]?.id, 'add', 'remove');
  });
});

describe('a caller that is removed', () => {
  async function present(shared = hub(), departureMs?: number) {
    const cloud = new Cloud();
    const one = replica('one', cloud, shared, departureMs);
    const bridge = await withBridge(one);
    await bridge.add();
    const [id] = bridge.present();
    return { cloud, one, bridge, id, shared };
  }

  test('the backend hears it once', async () => {
    const { cloud, one, bridge, id } = await present();
    expect(await bridge.remove()).toBeUndefined();
    await one.live.close();
    expect(cloud.actions(id)).toEqual(['add', 'remove']);
  });

  test('the backend does not answer: its client hears so, and the backend is told again', async () => {
    const { cloud, bridge, id } = await present();
    for (let n = 0; n < 3; n += 1) cloud.removals.push(fail(wireError('internal_error')));
    expect(await bridge.remove()).toMatchObject({ code: 'remove_failed' });
    await cloud.expect(id, 'add', 'remove', 'remove', 'remove', 'remove');
  });

  test('it cannot be struck off the list at once: it is later, and the backend is told', async () => {
    const { cloud, one, bridge, id } = await present();
    const { board } = one.participation;
    const listed = [{ sessionId: id ?? '', inCall: 1 }];
    await board.keep(ROOM.id, listed, await one.live.rooms.nextOrder(ROOM.id));
    jest.spyOn(board, 'forget').mockRejectedValueOnce(away());
    await expect(bridge.remove()).rejects.toMatchObject({ code: 'unavailable' });
    await cloud.expect(id, 'add', 'remove');
    expect(await board.kept(ROOM.id)).toEqual([]);
  });

  test('its replica dies while it tells the backend: another one tells', async () => {
    const { cloud, one, bridge, id, shared } = await present(hub(), 300);
    let timeOut: () => void = () => undefined;
    cloud.removals.push(new Promise((answer) => (timeOut = () => answer(fail(wireError('internal_error'))))));
    const removal = bridge.remove();
    await cloud.expect(id, 'add', 'remove');
    // From now on it takes up nothing any more.
    const closed = one.live.close();
    replica('two', cloud, shared, 300);
    await eventually(() => cloud.actions(id).length > 2, 'the backend to be told by another replica', 15_000);
    timeOut();
    await removal;
    await closed;
  });
});

test('a caller that went with its bridge: a backend that does not answer is told again', async () => {
  const cloud = new Cloud();
  const bridge = await withBridge(replica('one', cloud));
  await bridge.add();
  const [id] = bridge.present();
  cloud.removals.push(fail(wireError('internal_error')), fail(wireError('too_many_requests')));
  const owner: OwnedSession = bridge.owner;
  await owner.close();
  await cloud.expect(id, 'add', 'remove', 'remove', 'remove');
});
