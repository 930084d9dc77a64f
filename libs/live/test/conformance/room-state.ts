import { eventually } from '@parley/testing';
import { documentOf } from '../../src/index';
import { say, World, type Backend, type Node } from './world';

const SOON_MS = 15_000;

/** What replicas share about a room besides who is in it. */
export function roomStateSuite(backend: () => Backend): void {
  describe('room state', () => {
    let world: World;
    let a: Node;
    let b: Node;
    let c: Node;

    beforeEach(() => {
      world = new World(backend());
      [a, b, c] = [world.node(), world.node(), world.node()];
    });
    afterEach(() => world.close());

    it('gives each request a number of its own, rising on all replicas and over a loss', async () => {
      const room = world.room();
      const orders = await Promise.all([a, b, c, a, b, c].map((node) => node.live.rooms.nextOrder(room)));
      expect(new Set(orders).size).toBe(6);
      const before = Math.max(...orders);
      await world.flush();
      // Numbers given faster than one per millisecond are ahead of the clock they begin with.
      await eventually(async () => (await b.live.rooms.nextOrder(room)) > before, 'a higher number');
    });

    it('takes the properties that who enters brings, while it has none', async () => {
      const room = world.room();
      const [guard, ann, bob] = [await a.open('guard'), await a.open('ann'), await b.open('bob')];
      await guard.join(room);
      const brought = { name: 'brought', list: [] };
      expect((await ann.join(room, { properties: brought })).properties).toEqual(brought);
      await guard.sink.expectLines('room {"name":"brought","list":[]}', '+ann');
      expect(ann.sink.lines).toEqual([]);
      expect((await bob.join(room, { properties: { name: 'other' } })).properties).toEqual(brought);
      expect(await b.live.rooms.setProperties(room, brought, await b.live.rooms.nextOrder(room))).toBe(false);
      expect(await b.live.rooms.setProperties(room, {}, await b.live.rooms.nextOrder(room))).toBe(true);
      expect((await bob.join(room, { properties: brought })).properties).toEqual({});
      await guard.sink.expectLines('room {"name":"brought","list":[]}', '+ann', '+bob', 'room {}');
    });

    it('takes only newer properties and tells only of others', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      expect((await ann.join(room)).properties).toEqual({});
      const { rooms } = b.live;
      expect(await rooms.setProperties(room, { name: 'one', list: [], map: {} }, 5)).toBe(true);
      expect(await rooms.setProperties(room, { name: 'late' }, 4)).toBe(false);
      expect(await rooms.setProperties(room, { name: 'twice' }, 5)).toBe(false);
      expect(await rooms.setProperties(room, { name: 'one', list: [], map: {} }, 6)).toBe(false);
      expect(await rooms.setProperties(room, { name: 'between' }, 6)).toBe(false);
      expect(await rooms.setProperties(room, { name: 'two' }, 7)).toBe(true);
      await ann.sink.expectLines('room {"name":"one","list":[],"map":{}}', 'room {"name":"two"}');
      const bob = await c.open('bob');
      expect((await bob.join(room)).properties).toEqual({ name: 'two' });
    });

    it('keeps the newest of two requests that overtake each other', async () => {
      const room = world.room();
      const [first, second] = [await a.live.rooms.nextOrder(room), await b.live.rooms.nextOrder(room)];
      expect(await b.live.rooms.putDocument(room, 'users', [{ n: 2, tags: [], more: {} }], second)).toBe(true);
      expect(await a.live.rooms.putDocument(room, 'users', [{ n: 1 }], first)).toBe(false);
      expect(await c.live.rooms.document(room, 'users')).toEqual([{ n: 2, tags: [], more: {} }]);
      expect(await c.live.rooms.document(room, 'other')).toBeUndefined();
    });

    it('drops the document of a session when that one leaves, also for who comes back, and over a loss', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      const { rooms } = c.live;
      const [its, other] = [documentOf(ann.id), documentOf(bob.id)];
      expect(await rooms.putDocument(room, its, ['early'], 1)).toBe(false);
      await ann.join(room);
      await bob.join(room);
      await ann.sink.expectLines('+bob');
      expect(await a.live.rooms.putDocument(room, its, ['a'], 2)).toBe(true);
      expect(await b.live.rooms.putDocument(room, other, ['b'], 3)).toBe(true);
      expect(await b.live.rooms.document(room, its)).toEqual(['a']);
      await ann.session.leave();
      await bob.sink.expectLines('-ann', 'bob is host');
      expect(await rooms.document(room, its)).toBeUndefined();
      expect(await rooms.document(room, other)).toEqual(['b']);
      await ann.join(room);
      expect(await rooms.document(room, its)).toBeUndefined();
      await ann.session.leave();
      await world.flush();
      await eventually(async () => (await rooms.document(room, other)) !== undefined, 'the other one again', SOON_MS);
      expect(await rooms.document(room, its)).toBeUndefined();
    });

    it('patches members silently; per member the newest request wins', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      await ann.sink.expectLines('+bob');
      const { rooms } = c.live;
      const stranger = (await c.open('eve')).id;
      await rooms.patchMembers(room, [{ sessionId: ann.id, inCall: 7 }], 10);
      await rooms.patchMembers(
        room,
        [
          { sessionId: ann.id, inCall: 0 },
          { sessionId: bob.id, inCall: 3, flags: 1 },
          { sessionId: stranger, inCall: 1 },
        ],
        9,
      );
      const patched = await rooms.patchMembers(room, [{ sessionId: bob.id, flags: 0 }]);
      expect(patched.map(({ sessionId, inCall, flags }) => [sessionId, inCall, flags])).toEqual([
        [ann.id, 7, undefined],
        [bob.id, 3, 0],
      ]);
      expect(await a.live.rooms.members(room)).toEqual(patched);
      const eve = await c.open('eve');
      const { others } = await eve.join(room, { member: { kind: 'client', userId: '', inCall: 1 } });
      expect(others).toEqual(patched);
      await ann.sink.expectLines('+bob', '+eve');
      expect(ann.sink.deliveries.at(-1)?.event).toMatchObject({ members: [{ inCall: 1 }] });
      await ann.session.detach();
      await rooms.patchMembers(room, [{ sessionId: ann.id, inCall: 0 }], 11);
      const again = await b.resume(ann, ann.sink.last);
      expect(again?.sink.lines).toEqual([]);
      expect((await b.live.rooms.members(room))[0]).toMatchObject({ sessionId: ann.id, inCall: 0 });
    });

    it('tells everybody, the member too, who a member is now, and only when that is new', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      await c.live.rooms.patchMembers(room, [{ sessionId: bob.id, inCall: 7 }]);
      const who = { userId: 'robert', user: { displayname: 'Robert' } };
      for (let time = 0; time < 2; time += 1) await c.live.rooms.describeMember(room, bob.id, who);
      await c.live.rooms.describeMember(room, (await c.open('eve')).id, who);
      await c.live.sessions.toRoom(room, { kind: 'announcement', data: 'marker' });
      const changes = ({ sink }: typeof ann) =>
        sink.deliveries.flatMap(({ event }) => (event.kind === 'changed' ? event.members : []));
      const isMarked = ({ sink }: typeof ann) => sink.deliveries.some(({ event }) => event.kind === 'announcement');
      await eventually(() => isMarked(ann) && isMarked(bob), 'the marker at both');
      for (const person of [ann, bob]) {
        expect(changes(person)).toEqual([expect.objectContaining({ sessionId: bob.id, inCall: 7, ...who })]);
      }
      expect((await a.live.rooms.members(room))[1]).toMatchObject({ sessionId: bob.id, inCall: 7, ...who });
    });

    it('gives a member another foreign id: the former one leads nowhere, the room is told', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      const [old, taken, next] = ['old', 'taken', 'next'].map((name) => `${name}-${room}`) as [string, string, string];
      expect(await a.live.sessions.setForeignId(ann.id, next)).toBeUndefined();
      await ann.join(room, { member: { kind: 'client', userId: 'ann', foreignSessionId: old } });
      await bob.join(room, { member: { kind: 'client', userId: 'bob', foreignSessionId: taken } });
      const { tenant } = ann.session.record;
      const known = () => c.live.sessions.byForeignId(tenant, [old, taken, next]);
      expect(await a.live.sessions.setForeignId(ann.id, next)).toBeUndefined();
      expect(await known()).toEqual(
        new Map([
          [taken, bob.id],
          [next, ann.id],
        ]),
      );
      const told = () =>
        bob.sink.deliveries.some(
          ({ event }) => event.kind === 'changed' && event.members[0]?.foreignSessionId === next,
        );
      await eventually(told, 'the change at bob');
      expect(await a.live.sessions.setForeignId(ann.id, taken)).toBe(bob.id);
      expect((await known()).get(taken)).toBe(ann.id);
      await bob.session.close();
      expect((await known()).get(taken)).toBe(ann.id);
    });

    it('is restored after everything was lost, without news for those who knew it', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      await b.live.rooms.setProperties(room, { name: 'kept' }, await b.live.rooms.nextOrder(room));
      await b.live.rooms.putDocument(room, 'users', [1], await b.live.rooms.nextOrder(room));
      await c.live.rooms.patchMembers(room, [{ sessionId: ann.id, inCall: 7 }]);
      const before = await c.live.rooms.members(room);
      // Whatever was said before this is known to those who give the room back.
      await c.live.sessions.toRoom(room, say('known'));
      await ann.sink.expectLines('+bob', 'room {"name":"kept"}', 'known');
      await bob.sink.expectLines('room {"name":"kept"}', 'known');
      await world.flush();
      const restored = async () =>
        JSON.stringify(await c.live.rooms.members(room)) === JSON.stringify(before) &&
        (await c.live.rooms.document(room, 'users')) !== undefined;
      await eventually(restored, 'members and document as before', SOON_MS);
      const settled = performance.now() + world.times.generationGraceMs + 5 * world.times.heartbeatMs;
      await eventually(() => performance.now() > settled, 'the grace to pass');
      expect(ann.sink.lines).toEqual(['+bob', 'room {"name":"kept"}', 'known']);
      expect(bob.sink.lines).toEqual(['room {"name":"kept"}', 'known']);
      expect((await (await c.open('eve')).join(room)).properties).toEqual({ name: 'kept' });
    });

    it('is gone when the room is closed', async () => {
      const room = world.room();
      await (await a.open('ann')).join(room);
      await a.live.rooms.putDocument(room, 'users', [1], 1);
      await a.live.rooms.setTransient(room, 'key', 1);
      await b.live.rooms.beginClosing(room, true);
      await b.live.rooms.finishClosing(room);
      expect(await c.live.rooms.document(room, 'users')).toBeUndefined();
      expect(await c.live.rooms.setProperties(room, { late: true }, Number.MAX_SAFE_INTEGER)).toBe(false);
      expect(await c.live.rooms.patchMembers(room, [])).toEqual([]);
    });
  });
}
