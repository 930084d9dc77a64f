import { verifierOf } from '../../src/cursor';
import type { Cursor, ResumeOutcome } from '../../src/index';
import { RecordingSink } from './sink';
import { say, TENANT, World, type Backend, type Node, type Person } from './world';

/** Requests that were not answered when their connection broke. */
export function requestsSuite(backend: () => Backend): void {
  describe('open requests', () => {
    let world: World;
    let a: Node;
    let b: Node;

    beforeEach(() => {
      world = new World(backend());
      [a, b] = [world.node(), world.node()];
    });
    afterEach(() => world.close());

    const resumed = async (node: Node, { id, secret }: Person, lastSeen?: Cursor) => {
      const outcome = await node.live.sessions.resume(id, secret, new RecordingSink('again'), lastSeen);
      if (outcome.kind !== 'resumed') throw new Error('not resumed');
      return outcome satisfies ResumeOutcome;
    };

    it('are found by whoever resumes, again and again, until they are answered', async () => {
      const ann = await a.open('ann');
      await ann.session.begin({ id: '1', list: [] });
      await ann.session.begin({ id: '2', list: [] });
      const first = await resumed(b, ann);
      expect(first).toMatchObject({ entered: false, session: { request: { body: { id: '2', list: [] } } } });
      const { session } = await resumed(a, ann);
      const { request } = session;
      expect(request?.body).toEqual({ id: '2', list: [] });
      if (request) session.settle(request);
      expect(session.request).toBeUndefined();
      expect((await resumed(b, ann)).session.request).toBeUndefined();
    });

    it('are not taken from a session that is held elsewhere, nor is a newer one forgotten with an older', async () => {
      const ann = await a.open('ann');
      await ann.session.begin({ id: 'old' });
      const old = ann.session.request;
      const { session } = await resumed(b, ann);
      await session.begin({ id: 'new' });
      if (old) ann.session.settle(old);
      await expect(ann.session.begin({ id: 'lost' })).rejects.toMatchObject({ code: 'session_not_found' });
      expect((await resumed(a, ann)).session.request?.body).toEqual({ id: 'new' });
      expect(await a.store.sessions.resume(ann.id, verifierOf('wrong'), a.live.replica, undefined)).toEqual({
        kind: 'none',
      });
    });

    it('for a room that was entered: the room as it is, instead of what happened there', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann', { reads: false }), await b.open('bob')];
      await bob.join(room);
      await ann.session.begin({ room });
      await ann.join(room);
      const eve = await b.open('eve');
      await eve.join(room);
      await b.live.sessions.toSession(TENANT, ann.id, say('meanwhile'));
      await ann.sink.expectLines('+eve', 'meanwhile').catch(() => ann.sink.expectLines('meanwhile', '+eve'));
      const outcome = await resumed(b, ann);
      expect(outcome.entered).toBe(true);
      expect(outcome.missed.map(({ event }) => event.kind)).toEqual(['message']);
      expect(outcome.room?.members.map(({ userId }) => userId)).toEqual(['bob', 'ann', 'eve']);
      expect(outcome.room?.cursor).toEqual(outcome.cursor.room);
      expect(outcome.session.room).toBe(room);
    });

    it('are answered, when the client saw something that comes after the answer', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await ann.session.begin({ room });
      const { cursor } = await ann.join(room);
      const outcome = await resumed(b, ann, { session: 0, room: cursor });
      expect(outcome).toMatchObject({ entered: false, room: { members: [{ userId: 'ann' }] } });
      expect(outcome.session.request).toBeUndefined();
      const again = await resumed(a, ann);
      expect(again.session.request).toBeUndefined();
    });

    it('of a change of rooms that nobody lived to finish: the room before is left all the same', async () => {
      const [before, after] = [world.room(), world.room()];
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(before);
      await ann.join(before);
      await ann.session.begin({ room: after });
      a.failOn('leave', 'before');
      await ann.join(after);
      a.freeze();
      const { entered, session } = await resumed(b, ann);
      expect(entered).toBe(true);
      expect(session.room).toBe(after);
      await bob.sink.expectLines('+ann', '-ann');
    });
  });
}
