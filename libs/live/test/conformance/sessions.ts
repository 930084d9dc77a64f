import { brandAs, type SessionId, type TenantKey } from '@parley/domain';
import { eventually } from '@parley/testing';
import { LOG_LIMITS } from '../../src/index';
import { storeTimes } from '../../src/limits';
import { say, TENANT, TIMES, World, type Backend, type Node } from './world';

/** Sessions, messages to them, and taking them over. */
export function sessionsSuite(backend: () => Backend): void {
  describe('sessions', () => {
    let world: World;
    let a: Node;
    let b: Node;

    beforeEach(() => {
      world = new World(backend());
      a = world.node();
      b = world.node();
    });
    afterEach(() => world.close());

    it('delivers in order, across replicas, with rising cursors', async () => {
      const ann = await a.open('ann');
      await Promise.all([1, 2, 3, 4, 5].map((n) => b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`))));
      await ann.sink.expectLines('m1', 'm2', 'm3', 'm4', 'm5');
      expect(ann.sink.deliveries.map(({ cursor }) => cursor.session)).toEqual([1, 2, 3, 4, 5]);
    });

    it('hands the event over unchanged, empty lists and objects included', async () => {
      const ann = await a.open('ann');
      const event = { kind: 'room-changed', properties: { list: [], object: {}, text: 'a\nb', n: 1.5 } } as const;
      await b.live.sessions.toSession(TENANT, ann.id, { ...event, properties: { ...event.properties, list: [] } });
      await ann.sink.until(() => ann.sink.deliveries.length === 1, 'one event');
      expect(ann.sink.deliveries[0]?.event).toEqual(event);
    });

    it('knows no session of another tenant and none that is gone', async () => {
      const ann = await a.open('ann');
      const other = brandAs<TenantKey>('backend:other');
      expect(await b.live.sessions.toSession(other, ann.id, say('no'))).toBe('unknown');
      expect(await b.live.sessions.toSession(TENANT, brandAs<SessionId>('nobody'), say('no'))).toBe('unknown');
      await ann.session.close();
      expect(await b.live.sessions.toSession(TENANT, ann.id, say('no'))).toBe('unknown');
      expect(await b.live.sessions.find(ann.id)).toBeUndefined();
      expect(ann.sink.lines).toEqual([]);
      expect(ann.sink.end).toBeUndefined();
    });

    it('reaches every session of a user but the excepted one, within the tenant', async () => {
      const userId = `u${Math.random()}`;
      const one = await a.open('one', { userId });
      const two = await b.open('two', { userId });
      const me = await b.open('me', { userId });
      const foreign = await b.open('foreign', { userId, tenant: brandAs<TenantKey>('backend:x') });
      expect(await a.live.sessions.toUser(TENANT, userId, say('hi'), me.id)).toBe(2);
      await one.sink.expectLines('hi');
      await two.sink.expectLines('hi');
      await one.session.close();
      expect(await a.live.sessions.toUser(TENANT, userId, say('again'), me.id)).toBe(1);
      await two.sink.expectLines('hi', 'again');
      expect([...me.sink.lines, ...foreign.sink.lines]).toEqual([]);
    });

    it('finds a session with its room', async () => {
      const ann = await a.open('ann');
      const room = world.room();
      await ann.join(room);
      expect(await b.live.sessions.find(ann.id)).toEqual({
        id: ann.id,
        tenant: TENANT,
        userId: 'ann',
        room,
        attached: true,
      });
    });

    it('finds the connected internal sessions of a tenant by feature', async () => {
      const tenant = brandAs<TenantKey>(`backend:${Math.random()}`);
      const bridge = { tenant, kind: 'internal', features: ['start-dialout'] } as const;
      const [one, two] = [await a.open('one', bridge), await b.open('two', bridge)];
      await a.open('client', { ...bridge, kind: 'client' });
      await b.open('other', { ...bridge, features: [] });
      const found = async () => [...(await a.live.sessions.withFeature(tenant, 'start-dialout'))].sort();
      expect(await found()).toEqual([one.id, two.id].sort());
      // Whoever may send to users picks any name.
      for (const name of ['start-dialout', '\u0000feature:start-dialout', '\u0000features|start-dialout'])
        expect(await a.live.sessions.toUser(tenant, name, { kind: 'announcement', data: 1 })).toBe(0);
      await one.session.detach();
      expect(await found()).toEqual([two.id]);
      await two.session.close();
      expect(await found()).toEqual([]);
      expect(await a.live.sessions.withFeature(TENANT, 'start-dialout')).toEqual([]);
    });

    it('ends a session wherever it is and burns its resume id', async () => {
      const ann = await a.open('ann');
      expect(await b.live.sessions.end(ann.id, 'account deleted')).toBe(true);
      await ann.sink.expectEnd('ended');
      expect(ann.sink.end?.detail).toBe('account deleted');
      expect(await b.live.sessions.end(ann.id, 'again')).toBe(false);
      expect(await b.resume(ann)).toBeUndefined();
    });

    it('resumes on another replica: the old connection hears it and gets nothing more', async () => {
      const ann = await a.open('ann');
      await b.live.sessions.toSession(TENANT, ann.id, say('m1'));
      await ann.sink.expectLines('m1');
      const again = await b.resume(ann, ann.sink.last);
      expect(again?.session.epoch).toBe(2);
      expect(again?.session.record).toEqual(ann.session.record);
      await ann.sink.expectEnd('resumed_elsewhere');
      await a.live.sessions.toSession(TENANT, ann.id, say('m2'));
      await again?.sink.expectLines('m2');
      expect(ann.sink.lines).toEqual(['m1']);
      expect(ann.sink.afterEnd).toBe(0);
      await expect(ann.join(world.room())).rejects.toMatchObject({ code: 'session_not_found' });
    });

    it('resumes on the same replica, again and again', async () => {
      let ann = await a.open('ann');
      for (let n = 1; n <= 4; n++) {
        const again = await a.resume(ann, { session: n - 1 });
        if (!again) throw new Error('not resumed');
        await ann.sink.expectEnd('resumed_elsewhere');
        ann = again;
        await b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`));
        await ann.sink.expectLines(`m${n}`);
      }
    });

    it('refuses a wrong secret and leaves the owner alone', async () => {
      const ann = await a.open('ann');
      expect(await b.resume({ ...ann, secret: 'guess' })).toBeUndefined();
      expect(await a.resume({ ...ann, secret: 'guess' })).toBeUndefined();
      await b.live.sessions.toSession(TENANT, ann.id, say('m1'));
      await ann.sink.expectLines('m1');
    });

    it('replays exactly what came after the last seen number, also what was written out before', async () => {
      const ann = await a.open('ann');
      for (const n of [1, 2, 3]) await b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`));
      await ann.sink.expectLines('m1', 'm2', 'm3');
      await ann.session.detach();
      await b.live.sessions.toSession(TENANT, ann.id, say('m4'));
      const again = await b.resume(ann, { session: 1 });
      await again?.sink.expectLines('m2', 'm3', 'm4');
      expect(again?.sink.deliveries.map(({ cursor }) => cursor.session)).toEqual([2, 3, 4]);
    });

    it('goes on after the acknowledged ones when the client does not know its number', async () => {
      const ann = await a.open('ann', { reads: false });
      for (const n of [1, 2, 3]) await b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`));
      await ann.sink.expectLines('m1', 'm2', 'm3');
      ann.session.acknowledge({ session: 2 });
      await ann.session.detach();
      const again = await b.resume(ann);
      await again?.sink.expectLines('m3');
    });

    it('writes the checkpoint by the clock, so that it survives the owner', async () => {
      const ann = await a.open('ann', { reads: false });
      for (const n of [1, 2]) await b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`));
      await ann.sink.expectLines('m1', 'm2');
      ann.session.acknowledge({ session: 1 });
      await a.checkpointed();
      a.kill();
      const again = await b.resume(ann);
      await again?.sink.expectLines('m2');
    });

    it('refuses numbers that were never given', async () => {
      const ann = await a.open('ann');
      expect(await b.resume(ann, { session: 7 })).toBeUndefined();
    });

    it('keeps a long conversation with a reader, and never a partial replay', async () => {
      const ann = await a.open('ann');
      const count = LOG_LIMITS.messages + 50;
      for (let n = 1; n <= count; n++) {
        await b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`));
        if (n % 50 === 0) await ann.sink.until(() => ann.sink.lines.length === n, `${n} messages`);
      }
      await ann.sink.until(() => ann.sink.lines.length === count, `${count} messages`);
      await ann.session.detach();
      expect(await b.resume(ann, { session: 1 })).toBeUndefined();
      expect(await b.resume(ann)).toBeUndefined();
    });

    it('lets a reader of a long conversation go back as far as the log surely reaches', async () => {
      const ann = await a.open('ann');
      const count = LOG_LIMITS.messages + 1;
      for (let n = 1; n <= count; n++) {
        await b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`));
        if (n % 50 === 0) await ann.sink.until(() => ann.sink.lines.length === n, `${n} messages`);
      }
      await ann.sink.until(() => ann.sink.lines.length === count, `${count} messages`);
      await ann.session.detach();
      const from = count - LOG_LIMITS.messages + LOG_LIMITS.slack - 1;
      const again = await b.resume(ann, { session: from });
      expect(again).toBeDefined();
      await again?.sink.expectLines(...ann.sink.lines.slice(from));
    });

    it('ends a session that does not read when its log overflows', async () => {
      const ann = await a.open('ann', { reads: false });
      const bob = await b.open('bob');
      const room = world.room();
      await ann.join(room);
      await bob.join(room);
      for (let n = 1; n <= LOG_LIMITS.messages; n++) {
        expect(await b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`))).toBe('sent');
      }
      expect(await b.live.sessions.toSession(TENANT, ann.id, say('too much'))).toBe('unknown');
      await ann.sink.expectEnd('log_overflow');
      await bob.sink.expectLines('-ann', 'bob is host');
      expect(await b.resume(ann)).toBeUndefined();
    });

    it('counts bytes too', async () => {
      const ann = await a.open('ann', { reads: false });
      const big = say('x'.repeat(LOG_LIMITS.bytes / 2));
      expect(await b.live.sessions.toSession(TENANT, ann.id, big)).toBe('sent');
      expect(await b.live.sessions.toSession(TENANT, ann.id, big)).toBe('unknown');
      await ann.sink.expectEnd('log_overflow');
    });

    it('keeps of what was read no more than its bytes allow, and never gives a part of it', async () => {
      const big = (n: number) => say(`${n}${'x'.repeat(0.4 * LOG_LIMITS.bytes)}`);
      const withThree = async (name: string) => {
        const person = await a.open(name);
        for (const n of [1, 2]) expect(await b.live.sessions.toSession(TENANT, person.id, big(n))).toBe('sent');
        await person.sink.until(() => person.sink.texts.length === 2, 'both');
        // This says what was read; the third one has no room beside both.
        await person.session.detach();
        expect(await b.live.sessions.toSession(TENANT, person.id, big(3))).toBe('sent');
        return person;
      };
      const again = await b.resume(await withThree('ann'), { session: 1 });
      expect(again?.sink.texts.map((text) => text[0])).toEqual(['2', '3']);
      expect(await b.resume(await withThree('bob'), { session: 0 })).toBeUndefined();
    });

    it('forgets what was read long ago, and nothing that was not read', async () => {
      await world.close();
      // Nobody is taken for dead in the span that is waited for.
      world = new World(backend(), { ...TIMES, resumeWindowMs: 1_000, deadAfterMs: 30_000 });
      [a, b] = [world.node(), world.node()];
      const [ann, eve] = [await a.open('ann'), await a.open('eve', { reads: false })];
      const sendBoth = async (many: number) => {
        for (let n = 1; n <= many; n++) {
          for (const { id } of [ann, eve]) expect(await b.live.sessions.toSession(TENANT, id, say('m'))).toBe('sent');
        }
        await ann.sink.until(() => ann.sink.lines.length >= many, `${many}`);
      };
      await sendBoth(1);
      await a.checkpointed();
      const old = performance.now() + storeTimes(world.times).keepMs;
      await eventually(() => performance.now() > old, 'what was read to be old');
      // So many, as what is old is not looked for with every message.
      await sendBoth(LOG_LIMITS.slack);
      const logOf = (id: SessionId) => b.store.sessions.read(id, 1, 0);
      expect(await logOf(ann.id)).toEqual({ kind: 'gap' });
      expect(await logOf(eve.id)).toMatchObject({ kind: 'log', seq: LOG_LIMITS.slack + 1 });
    });

    it('reads the log when a message was lost on the way', async () => {
      const ann = await a.open('ann');
      a.deafen();
      await b.live.sessions.toSession(TENANT, ann.id, say('m1'));
      await b.live.sessions.toSession(TENANT, ann.id, say('m2'));
      await a.missed(2);
      expect(ann.sink.lines).toEqual([]);
      a.thaw();
      await b.live.sessions.toSession(TENANT, ann.id, say('m3'));
      await ann.sink.expectLines('m1', 'm2', 'm3');
    });

    it('reads the log after its subscriptions were interrupted', async () => {
      const ann = await a.open('ann');
      a.deafen();
      await b.live.sessions.toSession(TENANT, ann.id, say('m1'));
      await a.missed(1);
      a.hear();
      await ann.sink.expectLines('m1');
    });

    it('tells events only after the answer was handed out', async () => {
      const ann = await a.open('ann');
      await ann.session.detach();
      for (const n of [1, 2, 3]) await b.live.sessions.toSession(TENANT, ann.id, say(`m${n}`));
      const resuming = b.live.sessions.resume(ann.id, ann.secret, ann.sink);
      const more = a.live.sessions.toSession(TENANT, ann.id, say('m4'));
      const outcome = await resuming;
      expect(ann.sink.deliveries).toEqual([]);
      await more;
      const missed = outcome.kind === 'resumed' ? outcome.missed.length : 0;
      await ann.sink.until(() => ann.sink.lines.length === 4 - missed, 'the rest');
    });
  });
}
