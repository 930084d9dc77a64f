import { brandAs, type ReplicaId, type RoomSessionId, type SessionId } from '@parley/domain';
import { createMemoryLive, MemoryLiveHub, parseRedisTarget } from '../src/index';
import { say } from './conformance/world';

describe('the switches of the memory hub', () => {
  it('fails the next operations, then answers again', async () => {
    const hub = new MemoryLiveHub();
    // Its heart does not beat meanwhile: that, too, would be one of the operations that fail.
    const times = { heartbeatMs: 600_000, deadAfterMs: 1_800_000 };
    const live = createMemoryLive({ replica: brandAs<ReplicaId>('r1'), hub, times });
    const room = brandAs<RoomSessionId>('rs_1');
    // Answered only once its first beat is over.
    const nobody = { deliver: () => undefined, ended: () => undefined };
    expect(await live.sessions.resume(brandAs<SessionId>('nobody'), '', nobody)).toMatchObject({
      kind: 'no_such_session',
    });
    hub.failNext(2);
    const refused = { code: 'unavailable' };
    await expect(live.sessions.toRoom(room, say('no'))).rejects.toMatchObject(refused);
    expect(await live.healthy()).toBe(false);
    expect(await live.healthy()).toBe(true);
    hub.goAway();
    await expect(live.rooms.members(room)).rejects.toMatchObject(refused);
    hub.comeBack();
    expect(await live.rooms.members(room)).toEqual([]);
    await live.close();
  });

  it('takes its time from the clock it is given', async () => {
    let now = 1_000;
    const live = createMemoryLive({ replica: brandAs<ReplicaId>('r1'), clock: { now: () => new Date(now) } });
    expect(await live.guards.once('scope', 'value', 500)).toBe(true);
    now += 499;
    expect(await live.guards.once('scope', 'value', 500)).toBe(false);
    now += 1;
    expect(await live.guards.once('scope', 'value', 500)).toBe(true);
    await live.close();
  });
});

describe('REDIS_URL', () => {
  it('is one url, or several for a cluster', () => {
    expect(parseRedisTarget('redis://a:1')).toEqual({ url: 'redis://a:1' });
    expect(parseRedisTarget(' redis://a:1, rediss://b:2 ,')).toEqual({ cluster: ['redis://a:1', 'rediss://b:2'] });
  });

  it('is refused without being repeated', () => {
    expect(() => parseRedisTarget('')).toThrow('empty');
    expect(() => parseRedisTarget('http://user:secret@a')).toThrow(/^(?!.*secret)/);
    expect(() => parseRedisTarget('redis://a,nonsense')).toThrow('separated by commas');
  });
});
