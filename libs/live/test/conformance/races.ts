import { randomUUID } from 'node:crypto';
import { brandAs, type SessionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import type { LiveTimes } from '../../src/index';
import { BRIEF_WINDOW, POLICY, TENANT, TIMES, World, type Backend, type Node, type Person } from './world';

/** Longer than it takes until somebody looks at what was left half done. */
const SOON_MS = 15_000;

/** What one replica does while another one stands still in the midst of something, or hears no answer. */
export function racesSuite(backend: () => Backend): void {
  describe('races', () => {
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

    const phone = (node: Node, parent: Person) => {
      const id = brandAs<SessionId>(`phone.${randomUUID()}`);
      const record = { features: [], dialect: 'test', resumeVerifier: '', attributes: {} };
      return node.live.sessions.openVirtual(parent.id, {
        id,
        tenant: TENANT,
        kind: 'virtual',
        userId: 'tel',
        ...record,
      });
    };
    /** Whoever of them looks for what is due has done so since `atMs`. */
    const lookedAfter = async (atMs: number, ...nodes: Node[]) => {
      await eventually(() => performance.now() > atMs, 'the look to be due');
      const looked = nodes.map((node) => [node, node.answers('claimDue') + 2] as const);
      await eventually(() => looked.every(([node, times]) => node.answers('claimDue') >= times), 'the look', SOON_MS);
    };
    const waiting = (step: { readonly isWaiting: boolean }) => eventually(() => step.isWaiting, 'it to stand still');

    it('who was taken out while it joins its room once more is not in again', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await ann.join(room);
      await bob.join(room);
      const step = a.hold('rejoin', room);
      const again = expect(ann.ask(room)).rejects.toMatchObject({ code: 'session_not_found' });
      await waiting(step);
      expect(await b.live.rooms.kick(room, ann.id)).toBe(true);
      step.letGo();
      await again;
      expect(await b.live.rooms.members(room)).toMatchObject([{ userId: 'bob' }]);
    });

    it('who is not let in again while a lost room is given back is given back all the same', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await ann.join(room);
      const beat = a.hold('beat');
      await waiting(beat);
      // Between giving back sessions and giving back rooms.
      const step = a.hold('enlist', 'sessions');
      await world.flush();
      beat.letGo();
      await waiting(step);
      const policy = { ...POLICY, version: 2, locked: true };
      expect(await ann.ask(room, { policy })).toMatchObject({ kind: 'refused', code: 'room_locked' });
      step.letGo();
      const back = async () => (await b.live.rooms.members(room)).some(({ userId }) => userId === 'ann');
      await eventually(back, 'ann to be given back', SOON_MS);
    });

    it('who leaves and comes back before that it left is noted, is in and stays in', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await ann.join(room);
      const beat = a.hold('beat');
      await waiting(beat);
      a.failOn('leftRoom', 'before');
      await ann.session.leave();
      await ann.join(room);
      const noted = a.answers('leftRoom');
      beat.letGo();
      await eventually(() => a.answers('leftRoom') > noted, 'it to be noted late');
      expect(await b.live.sessions.find(ann.id)).toMatchObject({ room });
      expect((await b.resume(ann))?.session.room).toBe(room);
    });

    it('who came back so has not left it half done', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await ann.join(room);
      await waiting(a.hold('beat'));
      a.failOn('leftRoom', 'before');
      await ann.session.leave();
      await ann.join(room);
      a.kill();
      await lookedAfter(performance.now() + world.times.halfDoneJoinMs, b, c);
      expect(await b.live.rooms.members(room)).toMatchObject([{ userId: 'ann' }]);
      expect((await c.resume(ann))?.session.room).toBe(room);
    });

    it('a leave that is carried out late does not take out who has come back elsewhere', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      await ann.join(room);
      const step = a.hold('leave', room);
      const leaving = ann.session.leave();
      await waiting(step);
      const again = await c.resume(ann);
      await again?.session.leave();
      await again?.join(room);
      step.letGo();
      await leaving;
      expect(await b.live.rooms.members(room)).toMatchObject([{ userId: 'ann' }]);
      expect(await b.live.sessions.find(ann.id)).toMatchObject({ room });
    });

    it('a join that is carried out late does not make its own who came in elsewhere', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      const step = a.hold('join', room);
      const joining = expect(ann.ask(room)).rejects.toMatchObject({ code: 'session_not_found' });
      await waiting(step);
      const again = await c.resume(ann);
      await again?.join(room);
      const left = a.answers('leave');
      step.letGo();
      await joining;
      await eventually(() => a.answers('leave') > left, 'the late one to be taken back');
      expect(await b.live.rooms.members(room)).toMatchObject([{ userId: 'ann' }]);
    });

    it('who looks late at a change of rooms does not take out who has come back', async () => {
      await startAgain({ ...TIMES, deadAfterMs: 60_000 });
      const [room, other] = [world.room(), world.room()];
      const ann = await a.open('ann');
      await ann.join(room);
      // The others look.
      a.hold('claimDue');
      const leaving = a.hold('leave', room);
      const late = [b, c].map((node) => ({ node, step: node.hold('leave', room), left: node.answers('leave') }));
      const changing = ann.join(other);
      await eventually(() => late.some(({ step }) => step.isWaiting), 'another one to look', SOON_MS);
      leaving.letGo();
      await changing;
      await ann.join(room);
      const lookers = late.filter(({ step }) => step.isWaiting);
      for (const { step } of late) step.letGo();
      await eventually(() => lookers.every(({ node, left }) => node.answers('leave') > left), 'the look to end');
      expect(await b.live.rooms.members(room)).toMatchObject([{ userId: 'ann' }]);
      await eventually(async () => (await b.live.sessions.find(ann.id))?.room === room, 'it to be in');
    });

    it('who could not be resumed is not taken note of', async () => {
      await startAgain({ ...TIMES, deadAfterMs: 60_000 });
      const ann = await a.open('ann');
      expect(await b.resume({ ...ann, secret: 'another' })).toBeUndefined();
      expect(await b.store.registry.owned(b.live.replica)).toEqual([]);
      expect(await a.store.registry.owned(a.live.replica)).toEqual([ann.id]);
    });

    it('a join that others took back cannot be finished', async () => {
      const room = world.room();
      const ann = await a.open('ann');
      const steps = [a, b, c].map((node) => node.hold('leave', room));
      const finishing = a.hold('finishJoin', ann.id);
      const joining = expect(ann.ask(room)).rejects.toMatchObject({ code: 'unavailable' });
      await eventually(() => steps.some((step) => step.isWaiting), 'somebody to take it back', SOON_MS);
      finishing.letGo();
      await joining;
      for (const step of steps) step.letGo();
      const empty = async () => (await b.live.rooms.members(room)).length === 0;
      await eventually(empty, 'nobody to be in', SOON_MS);
      expect(ann.session.room).toBeUndefined();
      await ann.join(room);
    });

    it('what a replica could not give up when it closed is given up by others', async () => {
      await startAgain(BRIEF_WINDOW);
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      await ann.join(room);
      a.failOn('detach', 'before');
      await a.live.close();
      await bob.sink.until(() => bob.sink.lines.includes('-ann'), '-ann', SOON_MS);
    });

    it('a session ends although the answer to its resume was lost and nobody tries again', async () => {
      await startAgain(BRIEF_WINDOW);
      const room = world.room();
      const [ann, bob] = [await a.open('ann'), await b.open('bob')];
      await bob.join(room);
      await ann.join(room);
      b.failOn('resume', 'after');
      await expect(b.resume(ann)).rejects.toMatchObject({ code: 'unavailable' });
      await bob.sink.until(() => bob.sink.lines.includes('-ann'), '-ann', SOON_MS);
    });

    it('who is resumed where it still is keeps those it speaks for', async () => {
      const room = world.room();
      const sip = await a.open('sip');
      await phone(a, sip);
      const step = a.hold('beginJoin', sip.id);
      const joining = sip.ask(room).catch(() => undefined);
      await waiting(step);
      const detached = sip.session.detach();
      const again = await a.resume(sip);
      step.letGo();
      await Promise.all([joining, detached]);
      expect(a.live.sessions.virtuals(sip.id)).toHaveLength(1);
      const owned = async () => (await a.store.registry.owned(a.live.replica)).includes(sip.id);
      await eventually(owned, 'it to be owned');
      await again?.session.close();
    });

    it('nobody speaks for a session that is over', async () => {
      const sip = await a.open('sip');
      const step = a.hold('open');
      const opening = expect(phone(a, sip)).rejects.toMatchObject({ code: 'session_not_found' });
      await waiting(step);
      // It ends, and that is not heard.
      a.deafen();
      expect(await b.live.sessions.end(sip.id, 'enough')).toBe(true);
      step.letGo();
      await opening;
      expect(a.live.sessions.virtuals(sip.id)).toEqual([]);
    });

    it('who is ended by a replica that stood still and then dies is taken out of its room', async () => {
      const room = world.room();
      const [sip, bob] = [await a.open('sip'), await b.open('bob')];
      await bob.join(room);
      const virtual = await phone(a, sip);
      const member = { kind: 'virtual', userId: 'tel' } as const;
      await virtual.join({ room, policy: POLICY, role: 'guest', passwordVersion: 'exempt', passesLock: true, member });
      const step = c.hold('burn', virtual.record.id);
      const kicking = c.live.rooms.kick(room, virtual.record.id).catch(() => undefined);
      await waiting(step);
      await lookedAfter(performance.now() + world.times.halfDoneJoinMs, a, b);
      c.failOn('leave', 'dying');
      step.letGo();
      await kicking;
      await bob.sink.until(() => bob.sink.lines.includes('-phone'), '-phone', SOON_MS);
    });
  });
}
