import { randomUUID } from 'node:crypto';
import { brandAs, type TenantKey } from '@parley/domain';
import { eventually } from '@parley/testing';
import type { JoinRequest, LiveTimes } from '../../src/index';
import { BRIEF_WINDOW, TIMES, say, World, type Backend, type Node } from './world';

const SOON_MS = 15_000;

/** What holds for all sessions of a tenant: how many, who has which foreign id, what they may do. */
export function tenantsSuite(backend: () => Backend): void {
  describe('tenants', () => {
    let world: World;
    let a: Node;
    let b: Node;
    let c: Node;
    let tenant: TenantKey;

    const start = (times: LiveTimes) => {
      world = new World(backend(), times);
      [a, b, c] = [world.node(), world.node(), world.node()];
    };
    const startAgain = async (times: LiveTimes) => {
      await world.close();
      start(times);
    };

    beforeEach(() => {
      start(TIMES);
      tenant = brandAs<TenantKey>(`backend:${randomUUID()}`);
    });
    afterEach(() => world.close());

    const known = (foreignSessionId: string): Partial<JoinRequest> => ({
      member: { kind: 'client', userId: '', foreignSessionId },
    });

    it('admits as many sessions as the limit says, when they come at once on all replicas', async () => {
      const nodes = [a, b, c, a, b, c, a, b, c];
      const tries = await Promise.allSettled(nodes.map((node, n) => node.open(`p${n}`, { tenant, limit: 4 })));
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
      for (const one of tries) {
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'session_limit_exceeded' });
      }
      expect(await c.live.sessions.count(tenant)).toBe(4);
      const other = brandAs<TenantKey>(`backend:${randomUUID()}`);
      await a.open('other', { tenant: other, limit: 1 });
    });

    it('counts detached sessions, but neither closed nor expired ones', async () => {
      await startAgain(BRIEF_WINDOW);
      const ann = await a.open('ann', { tenant, limit: 1 });
      const refused = { code: 'session_limit_exceeded' };
      await ann.session.detach();
      await expect(b.open('bob', { tenant, limit: 1 })).rejects.toMatchObject(refused);
      const open = () => b.open('bob', { tenant, limit: 1 }).catch(() => undefined);
      const bob = await untilDefined(open, 'a place for bob');
      expect(await a.resume(ann)).toBeUndefined();
      await bob.session.close();
      const eve = await c.open('eve', { tenant, limit: 1 });
      expect(await a.live.sessions.end(eve.id, 'enough')).toBe(true);
      await a.open('late', { tenant, limit: 1 });
    });

    it('counts all sessions and all rooms with somebody in them, on all replicas', async () => {
      await startAgain(BRIEF_WINDOW);
      // What other tests left would go meanwhile.
      await world.flush();
      const more = async () => {
        const { sessions, rooms } = await c.live.census();
        return `${sessions},${rooms}`;
      };
      const [ann, bob] = [await a.open('ann', { tenant }), await b.open('bob', { tenant })];
      const [one, two] = [world.room(), world.room()];
      await ann.join(one);
      await bob.join(one);
      await eventually(
        async () => (await more()) === '2,1',
        async () => `2,1, not ${await more()}`,
      );
      await bob.join(two);
      await ann.session.detach();
      await eventually(
        async () => (await more()) === '2,2',
        async () => `2,2, not ${await more()}`,
      );
      await eventually(
        async () => (await more()) === '1,1',
        async () => `1,1, not ${await more()}`,
        SOON_MS,
      );
      await bob.session.close();
      await eventually(
        async () => (await more()) === '0,0',
        async () => `0,0, not ${await more()}`,
      );
    });

    it('counts again after everything was lost', async () => {
      await Promise.all([a.open('ann', { tenant }), b.open('bob', { tenant })]);
      await world.flush();
      const all = async () => (await c.live.sessions.count(tenant)) === 2;
      await eventually(all, async () => `two, it counts ${await c.live.sessions.count(tenant)}`, SOON_MS);
      await expect(c.open('eve', { tenant, limit: 2 })).rejects.toMatchObject({ code: 'session_limit_exceeded' });
    });

    it('finds sessions by foreign id once their join is heard of, in their tenant only', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann', { tenant }), await b.open('bob', { tenant })];
      await ann.join(room, known('nc-ann'));
      await bob.join(room, known('nc-bob'));
      await ann.sink.expectLines('+bob');
      const found = await c.live.sessions.byForeignId(tenant, ['nc-ann', 'nc-bob', 'nobody', 'nc-ann']);
      expect([...found].sort()).toEqual([
        ['nc-ann', ann.id],
        ['nc-bob', bob.id],
      ]);
      const stranger = brandAs<TenantKey>('backend:stranger');
      expect((await c.live.sessions.byForeignId(stranger, ['nc-ann'])).size).toBe(0);
      await ann.session.leave();
      await bob.session.close();
      expect((await c.live.sessions.byForeignId(tenant, ['nc-ann', 'nc-bob'])).size).toBe(0);
    });

    it('tells whom a foreign id was taken from, and what that one leaves behind does not matter', async () => {
      const room = world.room();
      const [ann, bob] = [await a.open('ann', { tenant }), await b.open('bob', { tenant })];
      expect((await ann.join(room, known('nc'))).tookOver).toBeUndefined();
      const { tookOver } = await bob.join(room, known('nc'));
      expect(tookOver).toBe(ann.id);
      expect(await b.live.sessions.end(ann.id, 'room_session_reconnected')).toBe(true);
      await ann.sink.expectEnd('ended');
      expect(ann.sink.end?.detail).toBe('room_session_reconnected');
      expect((await c.live.sessions.byForeignId(tenant, ['nc'])).get('nc')).toBe(bob.id);
    });

    it('leaves a foreign id with who had it when the door refuses', async () => {
      const [room, locked] = [world.room(), world.room()];
      const [ann, bob] = [await a.open('ann', { tenant }), await b.open('bob', { tenant })];
      await ann.join(room, known('nc'));
      const policy = {
        version: 9,
        type: 'conference',
        locked: true,
        capacity: 9,
        passwordVersion: 0,
        hasHostKey: false,
      };
      await a.live.rooms.applyPolicy(locked, { ...policy, type: 'conference' });
      expect(await bob.ask(locked, known('nc'))).toMatchObject({ kind: 'refused' });
      expect((await c.live.sessions.byForeignId(tenant, ['nc'])).get('nc')).toBe(ann.id);
    });

    it('returns a foreign id when a join is taken back', async () => {
      // Announcements would return it too, later.
      const quiet = new World(backend(), { ...TIMES, reannounceMs: 60_000 });
      const [one, two] = [quiet.node(), quiet.node()];
      try {
        const [ann, bob] = [await one.open('ann', { tenant }), await two.open('bob', { tenant })];
        await ann.join(quiet.room(), known('nc'));
        two.failOn('join', 'after');
        await expect(bob.join(quiet.room(), known('nc'))).rejects.toMatchObject({ code: 'unavailable' });
        const holder = async () => (await c.live.sessions.byForeignId(tenant, ['nc'])).get('nc');
        await eventually(async () => (await holder()) === ann.id, 'ann to have it again');
      } finally {
        await quiet.close();
      }
    });

    it('does not count a session that could not be opened', async () => {
      a.failOn('open', 'before');
      await expect(a.open('ann', { tenant, limit: 1 })).rejects.toMatchObject({ code: 'unavailable' });
      await b.open('bob', { tenant, limit: 1 });
    });

    it('follows a session that comes again under another foreign id', async () => {
      const room = world.room();
      const ann = await a.open('ann', { tenant });
      await ann.join(room, known('first'));
      expect((await ann.join(room, known('second'))).self.foreignSessionId).toBe('second');
      const found = await b.live.sessions.byForeignId(tenant, ['first', 'second']);
      expect([...found]).toEqual([['second', ann.id]]);
      await ann.session.leave();
      expect((await b.live.sessions.byForeignId(tenant, ['second'])).size).toBe(0);
    });

    it('knows foreign ids again after everything was lost', async () => {
      const ann = await a.open('ann', { tenant });
      await ann.join(world.room(), known('nc'));
      await world.flush();
      const found = async () => (await b.live.sessions.byForeignId(tenant, ['nc'])).get('nc') === ann.id;
      await eventually(found, 'nc to be known again', SOON_MS);
    });

    it('tells a session what it may do and remembers it, also for the next replica and after a loss', async () => {
      const ann = await a.open('ann', { tenant });
      expect(await b.live.sessions.setPermissions(ann.id, ['control'], brandAs<TenantKey>('backend:else'))).toBe(false);
      expect(await b.live.sessions.setPermissions(ann.id, ['control'], tenant)).toBe(true);
      await ann.sink.expectLines('permissions');
      expect(ann.session.record.permissions).toEqual(['control']);
      await ann.session.detach();
      expect(await c.live.sessions.setPermissions(ann.id, [], tenant)).toBe(true);
      const again = await b.resume(ann, ann.sink.last);
      expect(again?.session.record.permissions).toEqual([]);
      await world.flush();
      await eventually(async () => (await c.live.sessions.find(ann.id)) !== undefined, 'ann', SOON_MS);
      if (!again) throw new Error('ann was not resumed');
      const third = await c.resume(again, again.sink.last);
      expect(third?.session.record.permissions).toEqual([]);
    });

    it('keeps what the protocol notes about a session later', async () => {
      const ann = await a.open('ann', { tenant });
      await a.live.sessions.setAttributes(ann.id, { note: 'first' });
      await a.live.sessions.setAttributes(ann.id, { note: 'second' });
      expect(ann.session.record.attributes).toEqual({ note: 'second' });
      await expect(b.live.sessions.setAttributes(ann.id, {})).rejects.toMatchObject({ code: 'session_not_found' });
      await ann.session.detach();
      expect((await b.resume(ann, ann.sink.last))?.session.record.attributes).toEqual({ note: 'second' });
    });

    it('finds a session by the user id it was given later', async () => {
      const ann = await a.open('ann', { tenant, userId: '' });
      await a.live.sessions.setUserId(ann.id, 'guest-7');
      expect(await b.live.sessions.toUser(tenant, 'guest-7', say('hi'))).toBe(1);
      expect(await b.live.sessions.toUser(tenant, '', say('no'))).toBe(0);
      await ann.sink.expectLines('hi');
      expect(await c.live.sessions.find(ann.id)).toMatchObject({ userId: 'guest-7' });
      await expect(b.live.sessions.setUserId(ann.id, 'x')).rejects.toMatchObject({ code: 'session_not_found' });
      await ann.session.detach();
      expect((await b.resume(ann, ann.sink.last))?.session.record.userId).toBe('guest-7');
    });
  });
}

async function untilDefined<T>(attempt: () => Promise<T | undefined>, what: string): Promise<T> {
  let found: T | undefined;
  await eventually(
    async () => {
      found = await attempt();
      return found !== undefined;
    },
    what,
    SOON_MS,
  );
  if (found === undefined) throw new Error(what);
  return found;
}
