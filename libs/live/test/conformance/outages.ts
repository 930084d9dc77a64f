import { randomUUID } from 'node:crypto';
import { brandAs, type ReplicaId, type SessionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import type { LiveTimes } from '../../src/index';
import { BRIEF_WINDOW, POLICY, TENANT, TIMES, say, World, type Backend, type Node } from './world';

/** What happens when connections, replicas or the store go away. */
export function outagesSuite(backend: () => Backend): void {
  describe('outages', () => {
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

    it('keeps a detached session in its room for its window and then lets it go', async () => {
      await startAgain(BRIEF_WINDOW);
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      await ann.join(room);
      // Before it: who is held up afterwards measures less.
      const since = performance.now();
      await ann.session.detach();
      expect(await b.live.rooms.members(room)).toHaveLength(2);
      await bob.sink.until(() => bob.sink.lines.includes('-ann'), '-ann');
      expect(performance.now() - since).toBeGreaterThan(world.times.resumeWindowMs * 0.8);
      expect(await c.resume(ann)).toBeUndefined();
      expect(await c.live.sessions.find(ann.id)).toBeUndefined();
    });

    it('lets a session of a killed replica be resumed at once, with everything', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      await b.live.sessions.toSession(TENANT, ann.id, say('m1'));
      await ann.sink.expectLines('+bob', 'm1');
      a.kill();
      await b.live.sessions.toSession(TENANT, ann.id, say('m2'));
      await b.live.sessions.toRoom(room, say('r1'));
      const again = await c.resume(ann, ann.sink.last);
      expect(again?.sink.lines).toEqual(['m2', 'r1']);
      await b.live.sessions.toRoom(room, say('r2'));
      await again?.sink.expectLines('m2', 'r1', 'r2');
      expect(bob.sink.lines).toEqual(['r1', 'r2']);
    });

    it('removes the sessions of a killed replica after their window', async () => {
      // Long after it is taken for dead.
      await startAgain({ ...TIMES, resumeWindowMs: 5_000 });
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      await ann.join(room);
      a.kill();
      const since = performance.now();
      await bob.sink.until(() => bob.sink.lines.includes('-ann'), '-ann', 20_000);
      expect(performance.now() - since).toBeGreaterThan(world.times.resumeWindowMs * 0.8);
      expect(await c.resume(ann)).toBeUndefined();
    });

    it('removes them also when another replica looks for what is due while one is still at it', async () => {
      await startAgain(BRIEF_WINDOW);
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      await ann.join(room);
      const steps = [b, c].map((node) => ({ node, step: node.hold('orphan', ann.id) }));
      a.kill();
      await eventually(() => steps.some(({ step }) => step.isWaiting), 'one to come upon ann', 15_000);
      for (const { node, step } of steps) {
        if (step.isWaiting) continue;
        const looked = node.answers('claimDue');
        await eventually(() => node.answers('claimDue') > looked + 1, 'the other one to look twice');
      }
      for (const { step } of steps) step.letGo();
      await bob.sink.until(() => bob.sink.lines.includes('-ann'), '-ann', 15_000);
    });

    it('has a thawed replica ask before it delivers', async () => {
      const room = world.room();
      const [ann, bob, eve] = [await a.open('ann'), await a.open('bob'), await b.open('eve')];
      for (const person of [ann, bob, eve]) await person.join(room);
      await bob.sink.until(() => bob.sink.lines.length === 1, '+eve');
      await ann.sink.until(() => ann.sink.lines.length === 2, '+bob, +eve');
      a.freeze();
      await b.live.sessions.toSession(TENANT, ann.id, say('m0')); // on its way to the old connection
      const again = await c.resume(ann, ann.sink.last);
      await b.live.sessions.toSession(TENANT, ann.id, say('m1'));
      await b.live.sessions.toSession(TENANT, bob.id, say('m2'));
      await b.live.sessions.toRoom(room, say('r1'));
      const left = () => b.store.registry.owned(a.live.replica);
      await eventually(async () => (await left()).length === 0, 'the others to take a for dead', 15_000);
      a.thaw();
      await ann.sink.expectEnd('resumed_elsewhere');
      await bob.sink.until(() => bob.sink.texts.length === 2, 'm2 and r1');
      await again?.sink.until(() => again.sink.texts.length === 3, 'm0, m1 and r1');
      expect(ann.sink.texts).toEqual([]);
      expect(bob.sink.texts.sort()).toEqual(['m2', 'r1']);
    });

    it('ends what expired while its replica was frozen', async () => {
      await startAgain(BRIEF_WINDOW);
      const ann = await a.open('ann');
      a.freeze();
      await eventually(async () => !(await b.live.sessions.find(ann.id)), 'ann to expire', 15_000);
      a.thaw();
      await ann.sink.expectEnd('expired');
      expect(await b.live.sessions.find(ann.id)).toBeUndefined();
    });

    it('gives its sessions up on close', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      await ann.join(room);
      await a.live.close();
      await b.live.sessions.toRoom(room, say('r1'));
      const again = await b.resume(ann);
      expect(again?.sink.lines).toEqual(['r1']);
    });

    it('is restored after everything was lost, without anybody seeing a change', async () => {
      const room = world.room();
      const people = [await a.open('ann'), await b.open('bob'), await c.open('eve')] as const;
      for (const person of people) await person.join(room);
      const [ann, bob, eve] = people;
      await ann.sink.expectLines('+bob', '+eve');
      await bob.sink.expectLines('+eve');
      const before = await a.live.rooms.members(room);
      await world.flush();
      await eventually(
        async () => (await a.live.rooms.members(room)).length === 3,
        async () => `three members, there are: ${JSON.stringify(await a.live.rooms.members(room))}`,
        15_000,
      );
      expect(await a.live.rooms.members(room)).toEqual(before);
      await eventually(async () => (await b.live.sessions.toSession(TENANT, ann.id, say('m'))) === 'sent', 'ann');
      await eventually(() => b.live.sessions.toRoom(room, say('r')).then(() => true), 'the room');
      for (const { sink } of people) await sink.until(() => sink.texts.includes('r'), 'r');
      // Nothing tells that nothing comes: the grace must have passed without news.
      const settled = performance.now() + world.times.generationGraceMs + 5 * world.times.heartbeatMs;
      await eventually(() => performance.now() > settled, 'the grace to pass');
      expect(ann.sink.lines).toEqual(['+bob', '+eve', ...ann.sink.texts]);
      expect(bob.sink.lines).toEqual(['+eve', 'r']);
      expect(eve.sink.lines).toEqual(['r']);
      const late = await a.open('late');
      expect((await late.join(room)).self.role).toBe('guest');
      for (const { sink } of people) await sink.until(() => sink.lines.at(-1) === '+late', '+late');
    });

    it('refuses what is sent to sessions that were lost and are coming back, instead of swallowing it', async () => {
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await world.flush();
      let refused = 0;
      const send = async () =>
        a.live.sessions.toSession(TENANT, bob.id, say(`m${refused}`)).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'unavailable' });
          refused += 1;
        });
      await eventually(async () => {
        const answer = await send();
        expect(answer).not.toBe('unknown');
        return answer === 'sent';
      }, 'bob to be known again');
      await bob.sink.expectLines(`m${refused}`);
      // Later on, nobody is nobody again.
      const settled = performance.now() + world.times.generationGraceMs + 5 * world.times.heartbeatMs;
      await eventually(() => performance.now() > settled, 'the grace to pass');
      expect(await a.live.sessions.toSession(TENANT, brandAs<SessionId>('nobody'), say('m'))).toBe('unknown');
      expect(ann.sink.lines).toEqual([]);
    });

    it('sends nothing for sessions that went on elsewhere while it was frozen', async () => {
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await a.open('eve'); // stays there until a is taken for dead
      a.freeze();
      const again = await c.resume(ann);
      await c.live.sessions.toSession(TENANT, bob.id, say('new'));
      const left = () => b.store.registry.owned(a.live.replica);
      await eventually(async () => (await left()).length === 0, 'the others to take a for dead', 15_000);
      const stale = jest.fn(async () => a.live.sessions.toSession(TENANT, bob.id, say('stale')));
      void ann.session.overBus(stale);
      a.thaw();
      await ann.sink.expectEnd('resumed_elsewhere');
      await again?.session.overBus(() => c.live.sessions.toSession(TENANT, bob.id, say('newer')));
      await bob.sink.expectLines('new', 'newer');
      expect(stale).not.toHaveBeenCalled();
    });

    it('takes out who has no session any more after a loss, also when the first look at the rooms fails', async () => {
      await world.close();
      world = new World(backend(), BRIEF_WINDOW);
      const alone = world.node();
      const room = world.room();
      const bob = await alone.open('bob');
      await bob.join(room);
      const look = alone.hold('occupied');
      await world.flush();
      const enter = (session: SessionId, userId: string) => {
        const member = { kind: 'client', userId, features: [], user: {} } as const;
        const door = { policy: POLICY, role: 'guest', passwordVersion: 'exempt', passesLock: true } as const;
        const entering = () => alone.store.rooms.join(room, { session, attempt: 1, member, ...door });
        return eventually(() => entering().catch(() => undefined), `${userId} to be in`, 15_000);
      };
      // As a store that lost sessions but not their rooms, or when they are due but not the sessions.
      const [ghost, left] = ['ghost', 'left'].map((name) => brandAs<SessionId>(`${name}.${randomUUID()}`));
      if (!ghost || !left) throw new Error('there are two');
      await enter(ghost, 'ghost');
      const record = { ...bob.session.record, id: left };
      await alone.store.sessions.open(record, brandAs<ReplicaId>('gone'));
      await enter(left, 'left');
      const attempt = (await alone.store.sessions.beginJoin(left, 1, room)) ?? 0;
      const at = { id: room, generation: '', seq: 0 };
      expect(await alone.store.sessions.finishJoin(left, 1, attempt, at)).toBe('joined');
      await alone.store.sessions.detach(left, 1, { session: 0, room: undefined, roomEvent: 0 });
      await eventually(() => look.isWaiting, 'the first look', 15_000);
      alone.failOn('occupied', 'before');
      look.letGo();
      for (const line of ['-ghost', '-left']) await bob.sink.until(() => bob.sink.lines.includes(line), line, 15_000);
      expect(await alone.live.rooms.members(room)).toMatchObject([{ userId: 'bob' }]);
    });

    it('agrees again about those who did not come back', async () => {
      const room = world.room();
      const [ann, bob, eve] = [await a.open('ann'), await b.open('bob'), await c.open('eve')];
      for (const person of [ann, bob, eve]) await person.join(room);
      await bob.sink.expectLines('+eve');
      a.kill();
      await world.flush();
      const late = await b.open('late');
      const { others } = await late.join(room, { policy: POLICY });
      for (const { sink } of [bob, eve]) {
        await sink.until(() => sink.lines.includes('+late') && sink.lines.includes('-ann'), '+late and -ann', 15_000);
      }
      const present = async () => (await b.live.rooms.members(room)).map((member) => member.sessionId).sort();
      await eventually(async () => (await present()).length === 3, 'three members');
      expect(await present()).toEqual([bob.id, eve.id, late.id].sort());
      const joined = late.sink.lines.filter((line) => line.startsWith('+'));
      const seen = [...others.map((member) => `+${member.userId}`), ...joined].sort();
      expect(seen).toEqual(['+bob', '+eve']);
      expect(bob.sink.lines.filter((line) => line === '+eve')).toHaveLength(1);
    });
  });
}
