import { eventually } from '@parley/testing';
import { World, type Backend, type Node, type Person } from './world';

const SOON_MS = 15_000;

/** The short-lived values of a room. */
export function transientSuite(backend: () => Backend): void {
  describe('transient values', () => {
    let world: World;
    let a: Node;
    let b: Node;
    let c: Node;

    beforeEach(() => {
      world = new World(backend());
      [a, b, c] = [world.node(), world.node(), world.node()];
    });
    afterEach(() => world.close());

    const three = async () => {
      const room = world.room();
      const people = [await a.open('ann'), await b.open('bob'), await c.open('eve')] as const;
      for (const person of people) await person.join(room);
      await people[0].sink.expectLines('+bob', '+eve');
      const news = (person: Person) => person.sink.lines.filter((line) => line.includes('->'));
      const expectNews = async (...expected: string[]) => {
        for (const person of people) {
          await person.sink.until(() => news(person).length >= expected.length, expected.join(' | '), SOON_MS);
          expect(news(person)).toEqual(expected);
        }
      };
      return { room, people, expectNews };
    };

    it('tell everybody what was there before, and nothing when equal values come', async () => {
      const { room, expectNews } = await three();
      await a.live.rooms.setTransient(room, 'k"/é', { list: [], map: {}, n: 1 });
      await b.live.rooms.setTransient(room, 'k"/é', { n: 1, map: {}, list: [] });
      await c.live.rooms.setTransient(room, 'k"/é', 'two');
      await a.live.rooms.removeTransient(room, 'k"/é');
      await b.live.rooms.removeTransient(room, 'k"/é');
      await c.live.rooms.setTransient(room, 'end', false);
      await c.live.rooms.setTransient(room, 'end', null);
      await expectNews(
        'k"/é: nothing -> {"list":[],"map":{},"n":1}',
        'k"/é: {"list":[],"map":{},"n":1} -> "two"',
        'k"/é: "two" -> nothing',
        'end: nothing -> false',
        'end: false -> nothing',
      );
    });

    it('are told to who comes, and go with the last member', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await b.live.rooms.setTransient(room, 'too early', 1);
      expect((await ann.join(room)).transient).toEqual({});
      await b.live.rooms.setTransient(room, 'key', [1, {}]);
      await b.live.rooms.setTransient(room, 'other', 'x', 60_000);
      const bob = await b.open('bob');
      expect((await bob.join(room)).transient).toEqual({ key: [1, {}], other: 'x' });
      await ann.session.leave();
      await bob.session.close();
      expect((await ann.join(room)).transient).toEqual({});
    });

    it('are refused when they are more than a room holds, and taken again when there is room', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await ann.join(room);
      const set = (key: string, value: string) => a.live.rooms.setTransient(room, key, value);
      const quarter = 'x'.repeat(262_000);
      for (const key of ['1', '2', '3', '4']) await set(key, quarter);
      await expect(set('5', quarter)).rejects.toMatchObject({ code: 'not_allowed' });
      await set('4', 'small');
      await set('5', quarter);
      await b.live.rooms.removeTransient(room, '5');
      await set('6', quarter);
      await ann.session.leave();
      await ann.join(room);
      for (let n = 0; n < 1_024; n += 1) await set(`key ${n}`, 'x');
      await expect(set('one more', 'x')).rejects.toMatchObject({ code: 'not_allowed' });
      await set('key 0', 'y');
    });

    it('expire by the store, told once to everybody, whoever wrote them', async () => {
      const { room, expectNews } = await three();
      // First, because on a busy machine the others may be over before it.
      await b.live.rooms.setTransient(room, 'stays', 1);
      await Promise.all([a, b, c].map(({ live }) => live.rooms.setTransient(room, 'same', 'v', 1_000)));
      await expectNews('stays: nothing -> 1', 'same: nothing -> "v"', 'same: "v" -> nothing');
      await c.live.rooms.setTransient(room, 'stays', 2);
      await expectNews('stays: nothing -> 1', 'same: nothing -> "v"', 'same: "v" -> nothing', 'stays: 1 -> 2');
    });

    it('expire although the replica that wrote them was killed', async () => {
      const { room, people } = await three();
      await a.live.rooms.setTransient(room, 'key', 1, 200);
      a.kill();
      const [, bob, eve] = people;
      for (const { sink } of [bob, eve]) {
        await sink.until(() => sink.lines.includes('key: 1 -> nothing'), 'the end of key', SOON_MS);
      }
      await b.live.rooms.setTransient(room, 'after', 1);
      await eve.sink.until(() => eve.sink.lines.includes('after: nothing -> 1'), 'after');
      expect(eve.sink.lines.filter((line) => line === 'key: 1 -> nothing')).toHaveLength(1);
    });

    it('expire although the store lost them, and the replica that wrote them was killed', async () => {
      const { room, people } = await three();
      const [, bob, eve] = people;
      // Longer than those who are left need to be sure who else is.
      await a.live.rooms.setTransient(room, 'key', 1, 2 * world.times.generationGraceMs);
      for (const { sink } of [bob, eve]) await sink.until(() => sink.lines.includes('key: nothing -> 1'), 'key');
      a.kill();
      await world.flush();
      for (const { sink } of [bob, eve]) {
        await sink.until(() => sink.lines.includes('key: 1 -> nothing'), 'the end of key', SOON_MS);
      }
    });

    it('take the time to live of the last write, without news', async () => {
      const { room, expectNews } = await three();
      await a.live.rooms.setTransient(room, 'shorter', 1, 60_000);
      await b.live.rooms.setTransient(room, 'shorter', 1, 100);
      await expectNews('shorter: nothing -> 1', 'shorter: 1 -> nothing');
      await a.live.rooms.setTransient(room, 'for ever', 1, 1_000);
      await b.live.rooms.setTransient(room, 'for ever', 1);
      // It ends later than the other one would have.
      await a.live.rooms.setTransient(room, 'mark', 1, 1_300);
      await expectNews(
        'shorter: nothing -> 1',
        'shorter: 1 -> nothing',
        'for ever: nothing -> 1',
        'mark: nothing -> 1',
        'mark: 1 -> nothing',
      );
      expect((await (await a.open('late')).join(room)).transient).toEqual({ 'for ever': 1 });
    });

    it('of a session go when it leaves, whatever the way', async () => {
      const { room, people } = await three();
      const [ann, bob, eve] = people;
      for (const { id } of [ann, bob]) await c.live.rooms.setTransient(room, `sd:${id}`, 'here');
      await ann.session.leave();
      await b.live.rooms.kick(room, bob.id);
      const gone = (person: Person) => `sd:${person.id}: "here" -> nothing`;
      await eve.sink.until(() => eve.sink.lines.includes(gone(ann)) && eve.sink.lines.includes(gone(bob)), 'both');
      expect((await (await a.open('late')).join(room)).transient).toEqual({});
    });

    it('are restored after everything was lost, but for those of sessions that are gone', async () => {
      const { room, people } = await three();
      const [ann, bob, eve] = people;
      await a.live.rooms.setTransient(room, 'key', { n: 1 });
      for (const { id } of [ann, bob]) await c.live.rooms.setTransient(room, `sd:${id}`, 'here');
      const set = (person: Person) => `sd:${person.id}: nothing -> "here"`;
      await eve.sink.until(() => eve.sink.lines.includes(set(bob)), 'both', SOON_MS);
      a.kill();
      await world.flush();
      await eve.sink.until(() => eve.sink.lines.includes('-ann'), '-ann', SOON_MS);
      await eve.sink.until(() => eve.sink.lines.at(-1) === `sd:${ann.id}: "here" -> nothing`, 'its value', SOON_MS);
      const keys = Object.keys((await (await b.open('late')).join(room)).transient).sort();
      expect(keys).toEqual(['key', `sd:${bob.id}`]);
      const news = eve.sink.lines.filter((line) => line.includes('->'));
      expect(news).toHaveLength(4);
    });

    it('ask for patience while the room is being restored', async () => {
      const { room } = await three();
      await world.flush();
      const write = () => a.live.rooms.setTransient(room, 'key', 1).then(() => true);
      await eventually(() => write().catch(() => false), 'the room to be restored', SOON_MS);
      expect((await (await b.open('late')).join(room)).transient).toEqual({ key: 1 });
    });
  });
}
