import {
  brandAs,
  PeerTelling,
  type LivePeers,
  type OutboxEventType,
  type PeerChange,
  type PeerStore,
  type RoomName,
  type RoomSessionId,
  type SessionId,
  type ToldPeer,
  type WebhookId,
} from '@parley/domain';
import { room } from './fixtures';
import type { StoresUnderTest } from './stores-under-test';

const now = new Date(Date.UTC(2026, 10, 21, 12));
const id = (text: string): RoomSessionId => brandAs<RoomSessionId>(text);
const named = (text: string): RoomName => brandAs<RoomName>(text);
const peer = (text: string, order: number): ToldPeer => ({
  sessionId: brandAs<SessionId>(text),
  order,
  facts: { id: text, name: text.toUpperCase(), isHost: true },
});

/** One room in a live store that loses it; everybody leaves at once. */
class FleetingRoom implements LivePeers {
  /** Runs once, after the next look at who has news. */
  meanwhile: (() => Promise<void>) | undefined;
  private generation = 'g';
  private changes: PeerChange[] = [];

  visit(name: string, order: number): void {
    const sessionId = brandAs<SessionId>(name);
    this.changes.push({ kind: 'joined', presence: { sessionId, order, role: 'guest', userId: '' } });
    this.changes.push({ kind: 'left', sessionId, order, at: new Date(order + 1) });
  }

  lose(generation: string): void {
    this.generation = generation;
    this.changes = [];
  }

  async peerNews(...[, since]: Parameters<LivePeers['peerNews']>) {
    const follows = typeof since !== 'string' && since.generation === this.generation;
    const present = follows || since === 'first' ? undefined : [];
    const changes = this.changes.slice(follows ? since.n : 0);
    return { cursor: this.cursor(), now, settlesInMs: 0, changes, present, lost: [] };
  }

  async peerCursors([room]: readonly RoomSessionId[]) {
    const cursors = room === undefined || this.changes.length === 0 ? [] : [[room, this.cursor()] as const];
    const { meanwhile } = this;
    this.meanwhile = undefined;
    await meanwhile?.();
    return new Map(cursors);
  }

  forgetPeers(): void {}

  private cursor() {
    return { generation: this.generation, n: this.changes.length };
  }
}

/** What every implementation promises of who was told to be where. */
export function peerTests(db: () => StoresUnderTest): void {
  const peers = <Answer>(work: (store: PeerStore) => Promise<Answer>) => db().uow.run((stores) => work(stores.peers));
  const open = (name: string) =>
    db().uow.run(async (stores) => {
      const made = room({ id: id(`rs_${name}`), domain: db().domain, name: named(name) });
      expect(await stores.rooms.insert(made)).toBe(true);
      return made.id;
    });
  const listen = async (events: readonly OutboxEventType[], roomName?: string): Promise<WebhookId> => {
    const target = { type: 'url', url: 'https://receiver.example/' } as const;
    const where = roomName === undefined ? {} : { roomName: named(roomName) };
    const { id: webhook } = await db().uow.run((stores) =>
      stores.webhooks.insert({ domain: db().domain, target, events, ...where }, now),
    );
    await db().settleValidation(webhook, true);
    return webhook;
  };

  it('knows of which rooms somebody is told', async () => {
    const [one, two] = [await open('one'), await open('two')];
    await listen(['room.created']);
    expect(await peers((store) => store.heard([one, two]))).toEqual([]);
    await listen(['peer.left', 'room.created'], 'two');
    expect(await peers((store) => store.heard([one, two, id('nobody')]))).toEqual([two]);
    expect(await peers((store) => store.heard([]))).toEqual([]);
    expect(await peers((store) => store.open(one))).toBeNull();
    expect(await peers((store) => store.open(two))).toEqual({
      room: two,
      domain: db().domain,
      roomName: 'two',
      since: 'now',
    });
    const all = await listen(['host.joined']);
    expect([...(await peers((store) => store.heard([one, two])))].sort()).toEqual([one, two]);
    await db().uow.run((stores) => stores.webhooks.remove(all, now));
    await db().uow.run((stores) => stores.rooms.close(two, now));
    expect(await peers((store) => store.heard([one, two]))).toEqual([]);
    expect(await peers((store) => store.open(two))).toBeNull();
    expect(await peers((store) => store.open(two, 'ending'))).toMatchObject({ room: two });
  });

  it('tells of all rooms of a domain that wants to read of them', async () => {
    const before = await open('before');
    const wants = (on: boolean) => db().uow.run(({ tenancy }) => tenancy.setPeerEvents(db().domain, on));
    expect(await db().uow.run(({ tenancy }) => tenancy.peerEvents(db().domain))).toBe(false);
    await wants(true);
    expect(await db().uow.run(({ tenancy }) => tenancy.peerEvents(db().domain))).toBe(true);
    expect(await db().uow.run(({ tenancy }) => tenancy.peerEvents(db().otherDomain))).toBe(false);
    const after = await open('after');
    expect([...(await peers((store) => store.heard([before, after])))].sort()).toEqual([after, before]);
    expect(await peers((store) => store.open(before))).toMatchObject({ since: 'now' });
    expect(await peers((store) => store.open(after))).toMatchObject({ since: 'first' });
    await wants(false);
    expect(await peers((store) => store.heard([before, after]))).toEqual([]);
  });

  it('tells of a room from its opening on when somebody listens then', async () => {
    const webhook = await listen(['peer.joined']);
    const one = await open('one');
    expect(await peers((store) => store.open(one))).toMatchObject({ since: 'first' });
    await db().uow.run((stores) => stores.webhooks.remove(webhook, now));
    expect(await peers((store) => store.open(one))).toBeNull();
  });

  it('keeps who was told to be in and how far, and forgets who went', async () => {
    await listen(['peer.joined']);
    const one = await open('one');
    const cursor = { generation: 'g1', n: 7 };
    await peers((store) => store.save(one, { came: [peer('a', 5), peer('b', 6)], gone: [], cursor }));
    expect(await peers((store) => store.told(one))).toEqual([peer('a', 5), peer('b', 6)]);
    expect(await peers((store) => store.open(one))).toMatchObject({ since: cursor });
    await peers((store) => store.save(one, { came: [peer('a', 9)], gone: [brandAs<SessionId>('a')] }));
    expect(await peers((store) => store.told(one))).toEqual([peer('b', 6), peer('a', 9)]);
    expect(await peers((store) => store.told(one, [brandAs<SessionId>('a'), brandAs<SessionId>('x')]))).toEqual([
      peer('a', 9),
    ]);
    expect(await peers((store) => store.told(one, []))).toEqual([]);
    expect(await peers((store) => store.open(one))).toMatchObject({ since: cursor });
    await peers((store) => store.save(one, { came: [], gone: [], cursor: 'first' }));
    expect(await peers((store) => store.open(one))).toMatchObject({ since: 'first' });
  });

  it('shows where open rooms stand, page by page', async () => {
    await listen(['peer.joined']);
    const rooms = [await open('a'), await open('b'), await open('c')] as const;
    await peers((store) => store.save(rooms[1], { came: [peer('a', 5)], gone: [], cursor: { generation: 'g', n: 1 } }));
    await db().uow.run((stores) => stores.rooms.close(rooms[2], now));
    const first = await peers((store) => store.standings(null, 1));
    expect(first).toEqual([{ room: rooms[0], since: 'first', occupied: false }]);
    expect(await peers((store) => store.standings(rooms[0], 5))).toEqual([
      { room: rooms[1], since: { generation: 'g', n: 1 }, occupied: true },
    ]);
  });

  it('forgets rooms that nobody hears of any more', async () => {
    const webhook = await listen(['peer.joined'], 'one');
    await listen(['peer.joined'], 'two');
    const [one, two] = [await open('one'), await open('two')];
    const cursor = { generation: 'g', n: 1 };
    for (const each of [one, two]) {
      await peers((store) => store.save(each, { came: [peer('a', 5)], gone: [], cursor }));
    }
    await peers((store) => store.forgetUnheard());
    expect(await peers((store) => store.told(one))).toHaveLength(1);
    await db().uow.run((stores) => stores.webhooks.remove(webhook, now));
    await peers((store) => store.forgetUnheard());
    expect(await peers((store) => store.told(one))).toEqual([]);
    await listen(['peer.joined'], 'one');
    expect(await peers((store) => store.open(one))).toMatchObject({ since: 'now' });
    expect(await peers((store) => store.open(two))).toMatchObject({ since: cursor });
  });

  it('begins anew with an empty room that the live store lost, but not when it was told of meanwhile', async () => {
    await listen(['peer.joined', 'peer.left']);
    const one = await open('one');
    const live = new FleetingRoom();
    const telling = new PeerTelling(db().uow, live);
    live.visit('ann', 5);
    await telling.tell([one]);
    live.lose('h');
    live.meanwhile = async () => {
      live.visit('bob', 15);
      await telling.tell([one]);
    };
    await telling.sweep();
    await telling.sweep();
    expect(await db().eventsOf(one)).toEqual(['peer.joined:1', 'peer.left:2', 'peer.joined:3', 'peer.left:4']);
    expect(await peers((store) => store.open(one))).toMatchObject({ since: { generation: 'h', n: 2 } });
    live.lose('i');
    await telling.sweep();
    expect(await peers((store) => store.open(one))).toMatchObject({ since: 'first' });
  });

  it('appends the events of one opening together, in order', async () => {
    const one = await open('one');
    const place = { domain: db().domain, roomName: named('one'), roomSessionId: one, occurredAt: now };
    await db().uow.run(async ({ outbox }) => {
      await outbox.append({
        ...place,
        type: 'room.created',
        payload: { type: 'conference', capacity: 2, locked: false },
      });
      await outbox.appendAll(one, []);
      await outbox.appendAll(one, [
        { ...place, type: 'peer.joined', payload: { id: 'a' } },
        { ...place, type: 'peer.left', payload: { id: 'a' } },
      ]);
    });
    expect(await db().eventsOf(one)).toEqual(['room.created:1', 'peer.joined:2', 'peer.left:3']);
    expect(db().wakeUps()).toBe(1);
    const presences = ['a', 'b'].map((text) => ({ sessionId: brandAs<SessionId>(text), order: now.getTime() }));
    expect(await peers((store) => store.everTold(one, presences))).toEqual(presences.slice(0, 1));
    expect(await peers((store) => store.everTold(one, [{ ...peer('a', 7) }]))).toEqual([]);
    expect(await peers((store) => store.everTold(id('other'), presences))).toEqual([]);
  });
}
