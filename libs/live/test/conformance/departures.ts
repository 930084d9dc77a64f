import type { ForeignPresence, RoomSessionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import type { JoinRequest, LiveTimes } from '../../src/index';
import { BRIEF_WINDOW, TIMES, World, type Backend, type Node, type Person } from './world';

/** Longer than it takes until somebody looks at what a dead replica left. */
const SOON_MS = 15_000;

/** Who is out of a room, and that somebody who listens hears of it. */
export function departuresSuite(backend: () => Backend): void {
  describe('departures', () => {
    let world: World;
    let a: Node;
    let b: Node;
    let deaf: Node;

    const start = (times: LiveTimes) => {
      world = new World(backend(), times);
      [a, b, deaf] = [world.node(), world.node(), world.node('never')];
    };
    const startAgain = async (times: LiveTimes) => {
      await world.close();
      start(times);
    };

    beforeEach(() => start(TIMES));
    afterEach(() => world.close());

    const foreign: ForeignPresence = { backend: 'cloud', url: 'https://cloud.test/', room: 'token', userId: 'ann' };
    const known = (name: string): Partial<JoinRequest> => ({
      member: { kind: 'client', userId: name, foreignSessionId: `nc-${name}`, foreign },
    });
    const heard = (room: RoomSessionId | undefined) =>
      [a, b].flatMap((node) => node.departed(room).map(({ userId }) => userId)).sort();

    async function join(person: Person, room: RoomSessionId): Promise<Person> {
      await person.join(room, known(person.sink.name));
      return person;
    }

    async function expectHeard(room: RoomSessionId | undefined, ...names: string[]): Promise<void> {
      const missing = () => `${names.join(', ')} to be told; there was ${heard(room).join(', ')}`;
      await eventually(() => heard(room).length >= names.length, missing, SOON_MS);
      expect(heard(room)).toEqual([...names].sort());
    }

    /** Whatever is still untold has come due. */
    async function everythingIsTold(): Promise<void> {
      const [room, last] = [world.room(), await b.open('last')];
      await join(last, room);
      deaf.failOn('hasten', 'before');
      await deaf.live.rooms.kick(room, last.id).catch(() => undefined);
      await expectHeard(room, 'last');
    }

    it('are told once, with the names it had, by the replica that did it, however it went', async () => {
      await startAgain(BRIEF_WINDOW);
      const room = world.room();
      const [ann, bob, eve] = [await a.open('ann'), await b.open('bob'), await b.open('eve')];
      const [joe, kim, lee] = [await a.open('joe'), await b.open('kim'), await a.open('lee')];
      for (const person of [ann, bob, eve, joe, kim, lee]) await join(person, room);
      await ann.session.leave();
      const said = { sessionId: ann.id, kind: 'client', userId: 'ann', foreignSessionId: 'nc-ann', foreign };
      expect(a.departed(room)).toEqual([expect.objectContaining(said)]);
      await bob.session.close();
      expect(b.departed(room).map(({ userId }) => userId)).toEqual(['bob']);
      await joe.join(world.room());
      await expectHeard(room, 'ann', 'bob', 'joe');
      await b.live.rooms.kick(room, kim.id);
      expect(b.departed(room).map(({ userId }) => userId)).toEqual(['bob', 'kim']);
      await eve.session.detach();
      await expectHeard(room, 'ann', 'bob', 'eve', 'joe', 'kim');
      await b.live.rooms.beginClosing(room, true);
      await Promise.all([a, b].map(({ live }) => live.rooms.finishClosing(room)));
      await b.live.rooms.finishClosing(room);
      await expectHeard(room, 'ann', 'bob', 'eve', 'joe', 'kim', 'lee');
      await everythingIsTold();
      await expectHeard(room, 'ann', 'bob', 'eve', 'joe', 'kim', 'lee');
    });

    it('are told of services too, and not of people nobody keeps books about', async () => {
      const room = world.room();
      const [ann, bot] = [await a.open('ann'), await a.open('bot', { kind: 'internal' })];
      await ann.join(room);
      await bot.join(room);
      await ann.session.leave();
      await bot.session.leave();
      expect(a.departed(room).map(({ userId }) => userId)).toEqual(['bot']);
    });

    it('that a replica without listeners caused are told by others: kicked, closed, expired', async () => {
      await startAgain(BRIEF_WINDOW);
      const [room, closing] = [world.room(), world.room()];
      const [ann, bob] = [await join(await a.open('ann'), room), await join(await a.open('bob'), closing)];
      await deaf.live.rooms.kick(room, ann.id);
      await expectHeard(room, 'ann');
      await deaf.live.rooms.beginClosing(closing, true);
      await deaf.live.rooms.finishClosing(closing);
      await expectHeard(closing, 'bob');
      expect(bob.session.room).toBeUndefined();
      const eve = await join(await deaf.open('eve'), room);
      await eve.session.detach();
      await expectHeard(room, 'ann', 'eve');
    });

    it.each([
      ['leave', 'dying'],
      ['leave', 'after'],
      ['take', 'dying'],
    ] as const)('survive a replica that dies at %s (%s)', async (method, when) => {
      const room = world.room();
      const ann = await join(await a.open('ann'), room);
      a.failOn(method, when);
      await ann.session.close();
      if (when === 'after') a.kill();
      await expectHeard(room, 'ann');
      await everythingIsTold();
      await expectHeard(room, 'ann');
    });

    it('are told of who went so late that nobody expected it any more', async () => {
      const room = world.room();
      const ann = await join(await a.open('ann'), room);
      const step = a.hold('leave', room);
      const leaving = ann.session.leave();
      await eventually(() => a.answers('settle') + b.answers('settle') > 0, 'its note to be given up', SOON_MS);
      expect(heard(room)).toEqual([]);
      step.letGo();
      await leaving;
      await expectHeard(room, 'ann');
      await everythingIsTold();
      await expectHeard(room, 'ann');
    });

    it('are told again elsewhere when the listener goes away', async () => {
      const gone = async () => Promise.reject(new DOMException('going away', 'AbortError'));
      const leaving = world.node(gone);
      const room = world.room();
      const ann = await join(await leaving.open('ann'), room);
      await ann.session.leave();
      await expectHeard(room, 'ann');
    });

    it('are not told of who is replaced, also when another replica clears it away', async () => {
      const room = world.room();
      const [ann, bob] = [await join(await a.open('ann'), room), await join(await b.open('bob'), room)];
      expect(await b.live.sessions.end(ann.id, 'replaced', { quietly: true })).toBe(true);
      a.failOn('leave', 'dying');
      await a.live.sessions.end(bob.id, 'replaced', { quietly: true }).catch(() => undefined);
      const empty = async () => (await b.live.rooms.members(room)).length === 0;
      await eventually(empty, 'bob to be cleared away', SOON_MS);
      await everythingIsTold();
      expect(heard(room)).toEqual([]);
    });

    it('of who was expected: told when it fails or its replica dies, not when it arrives', async () => {
      const ann = await a.open('ann');
      const member = (name: string) => ({
        sessionId: ann.id,
        kind: 'client' as const,
        userId: name,
        foreignSessionId: `nc-${name}`,
        foreign,
      });
      const [came, failed] = [await a.live.events.expect(member('came')), await a.live.events.expect(member('failed'))];
      came.forget();
      await failed.left();
      await deaf.live.events.expect(member('died'));
      deaf.kill();
      await expectHeard(undefined, 'died', 'failed');
    });

    it('a presence that was expected, came and left is told once', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      const { member } = known('ann');
      const expected = member && (await a.live.events.expect({ ...member, sessionId: ann.id }));
      await join(ann, room);
      await ann.session.leave();
      expected?.forget();
      await expectHeard(room, 'ann');
      await everythingIsTold();
      expect([...heard(room), ...heard(undefined)]).toEqual(['ann']);
    });
  });
}
