import {
  brandAs,
  type PeerChange,
  type PeerCursor,
  type PeerNews,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';
import { eventually } from '@parley/testing';
import type { LiveTimes } from '../../src/index';
import { PEER_LIMITS } from '../../src/limits';
import { BRIEF_WINDOW, POLICY, TIMES, World, type Backend, type Node } from './world';

/** Who comes and who goes, as it is told outside. */
export function peersSuite(backend: () => Backend): void {
  describe('comings and goings', () => {
    let world: World;
    let a: Node;
    let b: Node;
    let c: Node;

    const start = (times: LiveTimes) => {
      world = new World(backend(), times);
      [a, b, c] = [world.node(), world.node(), world.node()];
    };
    const startAgain = async (times: LiveTimes) => {
      await world.close();
      start(times);
    };

    beforeEach(() => start(TIMES));
    afterEach(() => world.close());

    const read = (room: RoomSessionId, since: PeerCursor | 'first' | 'now' = 'first') =>
      c.live.rooms.peerNews(room, since);
    const lines = async (room: RoomSessionId) => told((await read(room)).changes);
    const becomes = (room: RoomSessionId, ...expected: string[]) =>
      eventually(
        async () => JSON.stringify(await lines(room)) === JSON.stringify(expected),
        async () => `${expected.join(' ')}, there is ${(await lines(room)).join(' ')}`,
        15_000,
      );

    it('are kept in order, with who it was', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      const { self } = await ann.join(room);
      await bob.join(room, { member: { kind: 'client', userId: '', displayName: 'Bob "B"\n|x', features: [] } });
      await ann.session.leave();
      const news = await read(room);
      expect(told(news.changes)).toEqual(['host ann', 'guest bob', '-ann']);
      expect(news.changes?.slice(0, 2)).toEqual([
        { kind: 'joined', presence: { sessionId: ann.id, order: self.order, role: 'host', userId: 'ann' } },
        {
          kind: 'joined',
          presence: {
            sessionId: bob.id,
            order: expect.any(Number) as number,
            role: 'guest',
            userId: '',
            displayName: 'Bob "B"\n|x',
          },
        },
      ]);
      expect(news.changes?.[2]).toMatchObject({ kind: 'left', sessionId: ann.id, order: self.order });
      expect(news.cursor.n).toBe(3);
      expect(news.present).toBeUndefined();
      expect(Math.abs(news.now.getTime() - self.order)).toBeLessThan(60_000);
    });

    it('are read from where one stands', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      expect(await c.live.rooms.peerCursors([room])).toEqual(new Map());
      await ann.join(room);
      const { cursor } = await read(room);
      expect(await c.live.rooms.peerCursors([world.room(), room])).toEqual(new Map([[room, cursor]]));
      expect((await read(room, cursor)).changes).toEqual([]);
      await bob.join(room);
      expect(told((await read(room, cursor)).changes)).toEqual(['guest bob']);
      const now = await read(room, 'now');
      expect(now.changes).toEqual([]);
      expect(now.present?.map(({ userId }) => userId)).toEqual(['ann', 'bob']);
      const elsewhere = await read(room, { generation: 'another', n: 7 });
      expect(told(elsewhere.changes)).toEqual(['host ann', 'guest bob']);
      expect(elsewhere.present?.map(({ role }) => role)).toEqual(['host', 'guest']);
    });

    it('are kept for a room nobody ever entered: none', async () => {
      const room = world.room();
      const { changes, cursor, present } = await read(room);
      expect([changes, cursor.n, present]).toEqual([[], 0, undefined]);
    });

    it('do not know a join that repeats another one, nor one that was refused', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await ann.join(room);
      await bob.ask(room, { policy: { ...POLICY, version: 2, locked: true } });
      expect(await lines(room)).toEqual(['host ann']);
    });

    it('do not know a resume, only the end of the window', async () => {
      await startAgain(BRIEF_WINDOW);
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      await ann.session.detach();
      const again = await b.resume(ann);
      expect(again).toBeDefined();
      await bob.session.detach();
      await becomes(room, 'host ann', 'guest bob', '-bob');
      expect(again?.session.room).toBe(room);
    });

    it('know who was kicked, who moved on, whose replica died, and that a room was closed', async () => {
      await startAgain(BRIEF_WINDOW);
      const [room, next] = [world.room(), world.room()];
      const [ann, bob, eve] = [await a.open('ann'), await b.open('bob'), await b.open('eve')];
      for (const person of [ann, bob, eve]) await person.join(room);
      await c.live.rooms.kick(room, bob.id);
      await eve.join(next);
      await becomes(room, 'host ann', 'guest bob', 'guest eve', '-bob', '-eve');
      a.kill();
      await becomes(room, 'host ann', 'guest bob', 'guest eve', '-bob', '-eve', '-ann');
      await c.live.rooms.beginClosing(next, true);
      await c.live.rooms.finishClosing(next);
      expect(await lines(next)).toEqual(['host eve', '-eve']);
    });

    it('know virtual sessions, and their end with the session that speaks for them', async () => {
      const room = world.room();
      const ann = await a.open('ann', { kind: 'internal' });
      await ann.join(room);
      const record = {
        ...ann.session.record,
        id: brandAs<SessionId>('phone.1'),
        kind: 'virtual',
        userId: 'phone',
      } as const;
      const phone = await a.live.sessions.openVirtual(ann.id, record);
      await phone.join({
        room,
        policy: POLICY,
        role: 'guest',
        passwordVersion: 'exempt',
        passesLock: true,
        member: { kind: 'virtual', userId: 'phone' },
      });
      await ann.session.close();
      await becomes(room, 'host ann', 'guest phone', '-phone', '-ann');
    });

    it('begin anew when everything was lost, and say who is back and how long that may take', async () => {
      const room = world.room();
      const [ann, bob, eve] = [await a.open('ann'), await b.open('bob'), await a.open('eve')];
      const { self } = await ann.join(room);
      await bob.join(room);
      const { cursor } = await read(room);
      await eve.session.detach();
      b.kill();
      await world.flush();
      await eventually(async () => (await read(room)).changes?.length === 1, 'ann to be given back', 15_000);
      const young = await read(room, cursor);
      expect(young.cursor.generation).not.toBe(cursor.generation);
      expect(told(young.changes)).toEqual(['host ann']);
      expect(young.present).toEqual([{ sessionId: ann.id, order: self.order, role: 'host', userId: 'ann' }]);
      expect(young.settlesInMs).toBeLessThanOrEqual(world.times.generationGraceMs);
      await eventually(async () => (await read(room, cursor)).settlesInMs === 0, 'the room to settle');
      expect(told((await read(room, cursor)).changes)).toEqual(['host ann']);
    });

    it('are not kept for ever: who has read too little is told who is in', async () => {
      const room = world.room();
      // Without sessions: on a busy machine theirs may end meanwhile.
      const member = { kind: 'client', userId: 'guest', features: [] } as const;
      const ask = { policy: POLICY, role: 'guest', passwordVersion: 0, passesLock: false, member, attempt: 1 } as const;
      const stayer = brandAs<SessionId>('stayer.x');
      await a.store.rooms.join(room, { ...ask, session: stayer });
      const { cursor } = await read(room);
      const guests = [...Array(PEER_LIMITS.changes / 64).keys()].map((n) => brandAs<SessionId>(`guest${n}.x`));
      for (let round = 0; round < 32; round += 1) {
        await Promise.all(guests.map((session) => a.store.rooms.join(room, { ...ask, session })));
        await Promise.all(guests.map((session) => a.store.rooms.leave(room, session)));
      }
      const news = await read(room, cursor);
      expect(news.cursor.n).toBe(PEER_LIMITS.changes + 1);
      expect(news.changes).toHaveLength(PEER_LIMITS.changes);
      const tooLate = await read(room);
      expect(told(tooLate.changes)).toEqual(['(not kept)']);
      expect(tooLate.present?.map(({ sessionId }) => sessionId)).toEqual([stayer]);
    });

    it('ring on the replica that did it', async () => {
      const room = world.room();
      const rung: string[] = [];
      for (const [name, node] of [
        ['a', a],
        ['b', b],
      ] as const) {
        node.live.events.onPeers((of) => void (of === room && rung.push(name)));
      }
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      expect(rung).toEqual(['a', 'b']);
      await b.live.rooms.kick(room, ann.id);
      await bob.session.leave();
      expect(rung).toEqual(['a', 'b', 'b', 'b']);
      a.failOn('join', 'after');
      await expect((await a.open('eve')).join(room)).rejects.toMatchObject({ code: 'unavailable' });
      await eventually(
        () => rung.length >= 6,
        () => `the unknown join and its end to be rung: ${rung.join()}`,
      );
    });

    it('that the store lost before they were read are known to the replica that did them, until they are forgotten', async () => {
      const room = world.room();
      a.live.events.onPeers(() => undefined);
      const [ann, bob] = [await a.open('ann'), await a.open('bob')];
      await ann.join(room);
      const { cursor } = await a.live.rooms.peerNews(room, 'first');
      expect((await a.live.rooms.peerNews(room, cursor)).lost).toEqual([]);
      await bob.join(room);
      await bob.session.leave();
      expect((await a.live.rooms.peerNews(room, cursor)).lost).toEqual([]);
      await world.flush();
      const news = async (): Promise<PeerNews> => a.live.rooms.peerNews(room, cursor);
      await eventually(async () => (await news()).changes?.length === 1, 'ann to be given back', 15_000);
      expect(told((await news()).lost)).toEqual(['guest bob', '-bob']);
      expect((await read(room, cursor)).lost).toEqual([]);
      a.live.rooms.forgetPeers(room);
      expect((await news()).lost).toEqual([]);
    });
  });
}

/** e.g. `host ann`, `-ann`; names are what session ids begin with. */
function told(changes: readonly PeerChange[] | undefined): string[] {
  if (changes === undefined) return ['(not kept)'];
  return changes.map((change) =>
    change.kind === 'joined'
      ? `${change.presence.role} ${nameOf(change.presence.sessionId)}`
      : `-${nameOf(change.sessionId)}`,
  );
}

function nameOf(id: SessionId): string {
  return id.split('.')[0] ?? id;
}
