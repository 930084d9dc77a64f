import { randomUUID } from 'node:crypto';
import { brandAs, type RoomSessionId, type SessionId, type TenantKey } from '@parley/domain';
import { eventually } from '@parley/testing';
import type { LiveTimes, VirtualSession } from '../../src/index';
import { BRIEF_WINDOW, POLICY, TENANT, TIMES, say, World, type Backend, type Node, type Person } from './world';

const SOON_MS = 15_000;

/** Sessions others speak for. */
export function virtualsSuite(backend: () => Backend): void {
  describe('virtual sessions', () => {
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

    const phone = (node: Node, parent: Person): Promise<VirtualSession> => {
      const id = brandAs<SessionId>(`phone.${randomUUID()}`);
      const more = { features: [], dialect: 'test', resumeVerifier: '', attributes: {} };
      const { tenant } = parent.session.record;
      return node.live.sessions.openVirtual(parent.id, { id, tenant, kind: 'virtual', userId: 'tel', ...more });
    };
    const join = async (virtual: VirtualSession, room: RoomSessionId) => {
      const member = { kind: 'virtual', userId: 'tel', inCall: 9, foreignSessionId: virtual.record.id } as const;
      const door = { policy: POLICY, role: 'guest', passwordVersion: 'exempt', passesLock: true } as const;
      const outcome = await virtual.join({ room, ...door, member });
      if (outcome.kind === 'refused') throw new Error(outcome.code);
      return outcome;
    };

    it('are members like others, and who speaks for them hears what is said to them', async () => {
      const room = world.room();
      const [sip, bob] = [await a.open('sip'), await b.open('bob')];
      await bob.join(room);
      const virtual = await phone(a, sip);
      const { self, others } = await join(virtual, room);
      expect(self).toMatchObject({ kind: 'virtual', inCall: 9 });
      expect(others).toHaveLength(1);
      await bob.sink.expectLines('+phone');
      const { id } = virtual.record;
      expect((await c.live.sessions.byForeignId(TENANT, [id])).get(id)).toBe(id);
      expect(await c.live.sessions.find(id)).toMatchObject({ room, parent: sip.id });
      expect(await b.live.sessions.toSession(TENANT, id, say('hello'))).toBe('sent');
      await sip.sink.expectLines('hello');
      expect(sip.sink.deliveries[0]?.event).toMatchObject({ kind: 'message', recipient: id });
      const members = await virtual.update({ flags: 1, inCall: 1 });
      expect(members.at(-1)).toMatchObject({ sessionId: id, flags: 1, inCall: 1 });
      expect(await c.live.rooms.members(room)).toEqual(members);
      const elsewhere = world.room();
      await join(virtual, elsewhere);
      expect(virtual.room).toBe(elsewhere);
      await bob.sink.expectLines('+phone', '-phone');
      await virtual.close();
      expect(await c.live.rooms.members(elsewhere)).toEqual([]);
      expect(await b.live.sessions.toSession(TENANT, id, say('gone'))).toBe('unknown');
    });

    it('do not count, and are not resumed by themselves', async () => {
      // Of its own: what earlier tests left in the other one runs out at any moment.
      const tenant = brandAs<TenantKey>(`backend:${randomUUID()}`);
      const sip = await a.open('sip', { tenant });
      const virtual = await phone(a, sip);
      expect(await a.live.sessions.count(tenant)).toBe(1);
      expect(await b.resume({ ...sip, id: virtual.record.id })).toBeUndefined();
      await expect(phone(b, sip)).rejects.toMatchObject({ code: 'session_not_found' });
    });

    it('end when who speaks for them says good-bye or is ended', async () => {
      const room = world.room();
      const bob = await b.open('bob');
      await bob.join(room);
      const [sip, pbx] = [await a.open('sip'), await c.open('pbx')];
      const [first, second] = [await phone(a, sip), await phone(c, pbx)];
      await join(first, room);
      await join(second, room);
      await sip.session.close();
      expect(await b.live.rooms.members(room)).toHaveLength(2);
      expect(await b.live.sessions.end(pbx.id, 'enough')).toBe(true);
      expect(await b.live.rooms.members(room)).toHaveLength(1);
      await bob.sink.expectLines('+phone', '+phone', '-phone', '-phone');
      expect(await b.live.sessions.find(first.record.id)).toBeUndefined();
      await eventually(() => second.room === undefined, 'the second to be out');
    });

    it('go on where who speaks for them is resumed', async () => {
      const room = world.room();
      const [sip, bob] = [await a.open('sip'), await b.open('bob')];
      await bob.join(room);
      await join(await phone(a, sip), room);
      await sip.session.detach();
      const again = await c.resume(sip);
      const [virtual] = c.live.sessions.virtuals(sip.id);
      expect(virtual?.room).toBe(room);
      expect(a.live.sessions.virtuals(sip.id)).toEqual([]);
      await world.flush();
      const back = async () => (await b.live.rooms.members(room)).length === 2;
      await eventually(back, 'both members to be back', SOON_MS);
      await virtual?.leave();
      await bob.sink.until(() => bob.sink.lines.at(-1) === '-phone', '-phone', SOON_MS);
      expect(bob.sink.lines).toEqual(['+phone', '-phone']);
      await again?.session.close();
      expect(await b.live.sessions.find(virtual?.record.id ?? sip.id)).toBeUndefined();
    });

    it('end after the replica of who speaks for them was killed and nobody came back', async () => {
      await startAgain(BRIEF_WINDOW);
      const room = world.room();
      const [sip, bob] = [await a.open('sip'), await b.open('bob')];
      await bob.join(room);
      const virtual = await phone(a, sip);
      await join(virtual, room);
      a.kill();
      await bob.sink.until(() => bob.sink.lines.includes('-phone'), '-phone', SOON_MS);
      expect(await b.live.rooms.members(room)).toHaveLength(1);
      expect(await b.live.sessions.find(virtual.record.id)).toBeUndefined();
    });

    it('are there again after everything was lost, in a room where only they are', async () => {
      const room = world.room();
      const sip = await a.open('sip');
      const virtual = await phone(a, sip);
      await join(virtual, room);
      const ann = await a.open('ann');
      await ann.join(room);
      await virtual.update({ flags: 4 });
      // Whatever was said before this is known to the replica that gives the room back.
      await b.live.sessions.toRoom(room, say('known'));
      await ann.sink.expectLines('known');
      await ann.session.leave();
      const before = await b.live.rooms.members(room);
      await world.flush();
      const back = async () => JSON.stringify(await b.live.rooms.members(room)) === JSON.stringify(before);
      await eventually(back, 'the member as it was', SOON_MS);
      const told = async () => (await b.live.sessions.toSession(TENANT, virtual.record.id, say('m'))) === 'sent';
      await eventually(told, 'it to be known', SOON_MS);
      await sip.sink.expectLines('m');
      expect(await b.live.rooms.kick(room, virtual.record.id)).toBe(true);
      await eventually(() => virtual.room === undefined, 'it to notice that it is out');
    });
  });
}
