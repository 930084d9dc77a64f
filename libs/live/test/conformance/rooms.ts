import type { SessionId } from '@parley/domain';
import { LOG_LIMITS } from '../../src/index';
import { ROOM_LOG_LIMITS } from '../../src/limits';
import { POLICY, say, World, type Backend, type Node } from './world';

/** Rooms: the door, who is in, and what is said to all. */
export function roomsSuite(backend: () => Backend): void {
  describe('rooms', () => {
    let world: World;
    let a: Node;
    let b: Node;
    let c: Node;

    beforeEach(() => {
      world = new World(backend());
      [a, b, c] = [world.node(), world.node(), world.node()];
    });
    afterEach(() => world.close());

    const names = (members: readonly { sessionId: SessionId }[]) => members.map((m) => m.sessionId.split('.')[0]);

    it('gives the joiner a snapshot and the others one event', async () => {
      const room = world.room();
      const [ann, bob, eve] = [await a.open('ann'), await b.open('bob'), await b.open('eve')];
      const first = await ann.join(room);
      expect(first.others).toEqual([]);
      expect(first.self).toMatchObject({ sessionId: ann.id, role: 'host', features: [], user: { tags: [] } });
      const second = await bob.join(room);
      expect(names(second.others)).toEqual(['ann']);
      expect(second.self.role).toBe('guest');
      expect(second.self.order).toBeGreaterThan(first.self.order);
      const third = await eve.join(room);
      expect(names(third.others)).toEqual(['ann', 'bob']);
      await ann.sink.expectLines('+bob', '+eve');
      await bob.sink.expectLines('+eve');
      expect(eve.sink.lines).toEqual([]);
      expect(names(await c.live.rooms.members(room))).toEqual(['ann', 'bob', 'eve']);
    });

    it('lets everybody see everybody once when all come at the same time', async () => {
      const room = world.room();
      const people = await Promise.all(
        [...Array(12).keys()].map((n) => [a, b, c][n % 3]?.open(`p${n}`) ?? Promise.reject(new Error('no node'))),
      );
      const outcomes = await Promise.all(people.map((person) => person.join(room)));
      expect(outcomes.filter(({ self }) => self.role === 'host')).toHaveLength(1);
      for (const [n, person] of people.entries()) {
        const seen = () => [...names(outcomes[n]?.others ?? []), ...person.sink.lines.map((line) => line.slice(1))];
        await person.sink.until(() => seen().length === 11, 'eleven others');
        expect(new Set(seen()).size).toBe(11);
      }
    });

    it('refuses at the door for each reason, and takes only newer rules', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room, {
        policy: { ...POLICY, version: 3, locked: true, passwordVersion: 2 },
        passesLock: true,
        passwordVersion: 2,
      });
      const old = { ...POLICY, version: 2 };
      expect(await bob.ask(room, { policy: old })).toEqual({ kind: 'refused', code: 'room_locked' });
      expect(await bob.ask(room, { policy: old, passesLock: true })).toEqual({
        kind: 'refused',
        code: 'wrong_password',
      });
      const exempt = { passesLock: true, passwordVersion: 'exempt' } as const;
      const small = { ...POLICY, version: 4, capacity: 1 };
      expect(await bob.ask(room, { policy: small, ...exempt })).toEqual({ kind: 'refused', code: 'room_full' });
      await a.live.rooms.applyPolicy(room, { ...POLICY, version: 5, capacity: 2 });
      expect(await bob.ask(room, { policy: small })).toMatchObject({ kind: 'joined' });
      expect(bob.session.room).toBe(room);
    });

    it('tells the members when what they can see of the rules changed', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await ann.join(room);
      await b.live.rooms.applyPolicy(room, { ...POLICY, version: 2, capacity: 7 });
      await b.live.rooms.applyPolicy(room, { ...POLICY, version: 3, locked: true });
      await b.live.rooms.applyPolicy(room, { ...POLICY, version: 2, type: 'webinar' });
      await b.live.rooms.applyPolicy(room, { ...POLICY, version: 4, type: 'webinar' });
      await ann.sink.expectLines('room {"locked":true,"type":"conference"}', 'room {"locked":false,"type":"webinar"}');
    });

    it('knows rules that were told before anybody came', async () => {
      const room = world.room();
      await a.live.rooms.applyPolicy(room, { ...POLICY, version: 2, locked: true });
      expect(await (await b.open('bob')).ask(room)).toEqual({ kind: 'refused', code: 'room_locked' });
    });

    it('makes the longest present host when the host goes, but not in a room with a host key', async () => {
      const room = world.room();
      const [ann, bob, eve] = [await a.open('ann'), await b.open('bob'), await c.open('eve')];
      for (const person of [ann, bob, eve]) await person.join(room);
      await ann.session.leave();
      await eve.sink.expectLines('-ann', 'bob is host');
      await bob.sink.expectLines('+eve', '-ann', 'bob is host');
      await bob.session.close();
      await eve.sink.expectLines('-ann', 'bob is host', '-bob', 'eve is host');
      const keyed = world.room();
      const policy = { ...POLICY, hasHostKey: true };
      expect((await ann.join(keyed, { policy })).self.role).toBe('guest');
      const host = await a.open('host');
      expect((await host.join(keyed, { policy, role: 'host' })).self.role).toBe('host');
      await host.session.leave();
      await ann.sink.until(() => ann.sink.lines.includes('-host'), '-host');
      expect((await b.live.rooms.members(keyed)).map((member) => member.role)).toEqual(['guest']);
    });

    it('does not make a service of the operator lead a room', async () => {
      const room = world.room();
      const [ann, recorder, bob] = [await a.open('ann'), await b.open('recorder'), await b.open('bob')];
      await ann.join(room);
      await recorder.join(room, { role: 'guest', member: { kind: 'internal', userId: '' } });
      await bob.join(room);
      await ann.session.leave();
      await recorder.sink.expectLines('+bob', '-ann', 'bob is host');
    });

    it('leaves the old room after the new one admitted, and stays on refusal', async () => {
      const [first, second] = [world.room(), world.room()];
      const [ann, bob, eve] = [await a.open('ann'), await b.open('bob'), await c.open('eve')];
      await bob.join(first);
      await ann.join(first);
      await eve.join(second);
      await b.live.rooms.applyPolicy(second, { ...POLICY, version: 2, locked: true });
      expect(await ann.ask(second)).toMatchObject({ kind: 'refused' });
      expect(ann.session.room).toBe(first);
      await b.live.rooms.applyPolicy(second, { ...POLICY, version: 3 });
      await ann.join(second);
      expect(ann.session.room).toBe(second);
      await bob.sink.expectLines('+ann', '-ann');
      await eve.sink.until(() => eve.sink.lines.at(-1) === '+ann', '+ann');
      await b.live.sessions.toRoom(first, say('old'));
      await b.live.sessions.toRoom(second, say('new'));
      await ann.sink.expectLines('new');
    });

    it('answers a second join of the same room with the same member and no event', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      const first = await ann.join(room);
      await b.live.sessions.toRoom(room, say('before'));
      const second = await ann.join(room);
      expect(second.self).toEqual(first.self);
      expect(names(second.others)).toEqual(['bob']);
      expect(ann.sink.lines).toEqual(['before']);
      await b.live.sessions.toRoom(room, say('after'));
      await ann.sink.expectLines('before', 'after');
      await bob.sink.expectLines('+ann', 'before', 'after');
    });

    it('speaks to all but one, in one order for all', async () => {
      const room = world.room();
      const people = [await a.open('ann'), await a.open('bob'), await b.open('eve')] as const;
      const [ann, bob, eve] = people;
      for (const person of people) await person.join(room);
      const sent = [...Array(20).keys()].map((n) =>
        (n % 2 ? a : b).live.sessions.toRoom(room, say(`m${n}`), n % 5 === 0 ? bob.id : undefined),
      );
      await Promise.all(sent);
      await ann.sink.until(() => ann.sink.texts.length === 20, '20 messages');
      await eve.sink.until(() => eve.sink.texts.length === 20, '20 messages');
      await bob.sink.until(() => bob.sink.texts.length === 16, '16 messages');
      expect(eve.sink.texts).toEqual(ann.sink.texts);
      expect(bob.sink.texts).toEqual(ann.sink.texts.filter((text) => Number(text.slice(1)) % 5 !== 0));
    });

    it('gives a resumed session what its room said meanwhile, after its own messages', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      await ann.sink.expectLines('+bob');
      await ann.session.detach();
      await b.live.sessions.toRoom(room, say('r1'));
      await b.live.sessions.toSession(ann.session.record.tenant, ann.id, say('s1'));
      await b.live.sessions.toRoom(room, say('not for ann'), ann.id);
      const eve = await c.open('eve');
      await eve.join(room);
      const again = await c.resume(ann, ann.sink.last);
      expect(again?.sink.lines).toEqual(['s1', 'r1', '+eve']);
      expect(again?.session.room).toBe(room);
      await b.live.sessions.toRoom(room, say('r2'));
      await again?.sink.expectLines('s1', 'r1', '+eve', 'r2');
      const cursors = again?.sink.deliveries.map(({ cursor }) => [cursor.session, cursor.room?.seq]);
      expect(cursors).toEqual([
        [1, 2],
        [1, 3],
        [1, 5],
        [1, 6],
      ]);
      const third = await a.resume(ann, again?.sink.deliveries[1]?.cursor);
      await third?.sink.expectLines('+eve', 'r2');
    });

    it('gives what came between to a client that goes back behind what it said it saw', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      const { cursor } = await ann.join(room);
      await bob.join(room);
      await ann.sink.expectLines('+bob');
      const again = await b.resume(ann, ann.sink.last);
      await again?.session.detach();
      const third = await c.resume(ann, { session: 0, room: cursor });
      await third?.sink.expectLines('+bob');
    });

    it('hands nothing from before it came to a client that says it was there already', async () => {
      const room = world.room();
      const [bob, eve] = [await a.open('bob'), await a.open('eve')];
      const { cursor } = await bob.join(room);
      await b.live.sessions.toRoom(room, say('for bob alone'));
      await bob.sink.expectLines('for bob alone');
      await eve.join(room);
      await bob.sink.expectLines('for bob alone', '+eve');
      await b.live.sessions.toRoom(room, say('for both'));
      await eve.sink.expectLines('for both');
      for (const seq of [0, 1, cursor.seq]) {
        await eve.session.detach();
        const again = await b.resume(eve, { session: 0, room: { ...cursor, seq } });
        expect(again?.sink.lines).toEqual(['for both']);
        await again?.session.detach();
      }
    });

    it('lets one who only speaks resume although the log has moved on', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      await ann.sink.expectLines('+bob');
      const seen = ann.sink.last;
      for (let n = 0; n < 1100; n += 50) {
        await Promise.all([...Array(50).keys()].map((m) => a.live.sessions.toRoom(room, say(`${n + m}`), ann.id)));
        await bob.sink.until(() => bob.sink.texts.length === n + 50, `${n + 50} messages`);
      }
      await ann.session.detach();
      const again = await b.resume(ann, seen);
      expect(again?.sink.lines).toEqual([]);
      expect(again?.session.room).toBe(room);
    });

    it('tells one who resumes exactly what came since, as far back as the log surely reaches', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await ann.join(room);
      // With her own coming this is one more than the log holds.
      for (let n = 1; n <= ROOM_LOG_LIMITS.messages; n++) {
        await b.live.sessions.toRoom(room, say(`m${n}`));
        if (n % 64 === 0) await ann.sink.until(() => ann.sink.lines.length === n, `${n} messages`);
      }
      const at = ann.sink.last?.room;
      if (at === undefined) throw new Error('ann heard nothing of the room');
      await ann.session.detach();
      const sure = ROOM_LOG_LIMITS.messages - LOG_LIMITS.slack + 1;
      const again = await b.resume(ann, { session: 0, room: { ...at, seq: at.seq - sure } });
      expect(again?.sink.lines).toEqual(ann.sink.lines.slice(-sure));
    });

    it('gives no partial replay of a room', async () => {
      const room = world.room();
      const ann = await a.open('ann', { reads: false });
      const bob = await b.open('bob');
      await ann.join(room);
      await bob.join(room);
      for (let n = 0; n < 1100; n += 50) {
        await Promise.all([...Array(50).keys()].map((m) => a.live.sessions.toRoom(room, say(`${n + m}`))));
        await bob.sink.until(() => bob.sink.texts.length === n + 50, `${n + 50} messages`);
      }
      await ann.session.detach();
      expect(await b.resume(ann)).toBeUndefined();
      await bob.sink.until(() => bob.sink.lines.includes('-ann'), '-ann');
    });

    it('reads the room log when a message was lost on the way', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      a.deafen();
      await bob.join(room);
      await b.live.sessions.toRoom(room, say('m1'));
      await a.missed(2);
      a.thaw();
      await b.live.sessions.toRoom(room, say('m2'));
      await ann.sink.expectLines('+bob', 'm1', 'm2');
    });
  });
}
