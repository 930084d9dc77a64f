import { brandAs, type SessionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import { World, type Backend, type Node } from './world';

/** Rooms: how one gets out of them, and joins that are not finished. */
export function roomEndsSuite(backend: () => Backend): void {
  describe('room ends', () => {
    let world: World;
    let a: Node;
    let b: Node;
    let c: Node;

    beforeEach(() => {
      world = new World(backend());
      [a, b, c] = [world.node(), world.node(), world.node()];
    });
    afterEach(() => world.close());

    it('kicks one: it hears why, its resume id is burnt, the others see it go', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      expect(await c.live.rooms.kick(room, bob.id)).toBe(true);
      await bob.sink.expectEnd('kicked');
      expect(bob.sink.lines).toEqual(['kicked']);
      await ann.sink.expectLines('+bob', '-bob');
      expect(await c.live.rooms.kick(room, bob.id)).toBe(false);
      expect(await c.live.rooms.kick(world.room(), ann.id)).toBe(false);
      expect(await c.live.rooms.kick(room, brandAs<SessionId>('nobody'))).toBe(false);
      expect(await c.resume(bob)).toBeUndefined();
    });

    it('kicks all, also those whose connection is broken', async () => {
      const room = world.room();
      const people = [await a.open('ann'), await b.open('bob'), await b.open('eve')] as const;
      for (const person of people) await person.join(room);
      await people[1].session.detach();
      expect(await c.live.rooms.kickAll(room)).toBe(3);
      await people[0].sink.expectEnd('kicked');
      await people[2].sink.expectEnd('kicked');
      expect(await c.resume(people[1])).toBeUndefined();
      expect(await c.live.rooms.members(room)).toEqual([]);
      expect(await c.live.rooms.kickAll(room)).toBe(0);
    });

    it('closes a room: nobody gets in, everybody is told', async () => {
      const room = world.room();
      const [ann, bob, eve] = [await a.open('ann'), await b.open('bob'), await c.open('eve')];
      await ann.join(room);
      await bob.join(room);
      expect(await c.live.rooms.beginClosing(room, false)).toBe('occupied');
      expect(await c.live.rooms.beginClosing(room, true)).toBe('closing');
      expect(await c.live.rooms.beginClosing(room, false)).toBe('closing');
      expect(await eve.ask(room)).toEqual({ kind: 'refused', code: 'room_closing' });
      await c.live.rooms.undoClosing(room);
      expect(await eve.ask(room)).toMatchObject({ kind: 'joined' });
      await bob.sink.expectLines('+eve');
      await bob.session.detach();
      await c.live.rooms.beginClosing(room, true);
      await c.live.rooms.finishClosing(room);
      await c.live.rooms.finishClosing(room);
      await ann.sink.expectLines('+bob', '+eve', 'room-closed');
      expect(ann.session.room).toBeUndefined();
      const back = await a.resume(bob);
      expect(back?.sink.lines).toEqual(['room-closed']);
      expect(back?.session.room).toBeUndefined();
      expect(await ann.ask(room)).toEqual({ kind: 'refused', code: 'room_closing' });
      expect(await ann.ask(world.room())).toMatchObject({ kind: 'joined' });
      expect(await c.live.rooms.members(room)).toEqual([]);
    });

    it('keeps an empty room that is being closed closed', async () => {
      const room = world.room();
      expect(await c.live.rooms.beginClosing(room, false)).toBe('closing');
      expect(await (await a.open('ann')).ask(room)).toEqual({ kind: 'refused', code: 'room_closing' });
    });

    it('reports on the replica that did it when a room is empty or no longer so', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      await ann.session.leave();
      await bob.session.leave();
      await eventually(() => b.occupancy(room).length > 0, 'the room to be reported empty');
      expect([a, b, c].map((node) => node.occupancy(room))).toEqual([['occupied'], ['empty'], []]);
    });

    it('takes back a join whose outcome stayed unknown, and lets it be repeated', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      for (const [method, when] of [
        ['join', 'before'],
        ['join', 'after'],
        ['finishJoin', 'before'],
        ['finishJoin', 'after'],
      ] as const) {
        a.failOn(method, when);
        await expect(ann.join(room)).rejects.toMatchObject({ code: 'unavailable' });
        await eventually(async () => (await b.live.rooms.members(room)).length === 1, 'ann to be taken out');
        expect(ann.session.room).toBeUndefined();
      }
      await ann.join(room);
      expect((await b.live.sessions.find(ann.id))?.room).toBe(room);
      await bob.sink.until(() => bob.sink.lines.at(-1) === '+ann', '+ann at last');
      bob.sink.lines.forEach((line, n) => expect(line).toBe(n % 2 ? '-ann' : '+ann'));
    });

    it('sweeps a join that its replica did not live to finish', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      a.failOn('finishJoin', 'dying');
      await expect(ann.join(room)).rejects.toMatchObject({ code: 'unavailable' });
      await bob.sink.until(() => bob.sink.lines.length > 1, '+ann and -ann', 15_000);
      expect(bob.sink.lines).toEqual(['+ann', '-ann']);
      expect(await b.live.sessions.find(ann.id)).toMatchObject({ room: undefined }); // not just expired
    });
  });
}
