import {
  brandAs,
  DomainError,
  PeerTelling,
  type OutboxEventType,
  type PeerChange,
  type PeerNews,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';
import { house, named } from './house';

/** The news of one room, as tests want them. */
class Script {
  readonly asked: string[] = [];
  readonly forgotten: (number | 'all')[] = [];
  away = false;
  news: Partial<PeerNews> = {};

  async peerNews(_room: RoomSessionId, since: unknown): Promise<PeerNews> {
    this.asked.push(typeof since === 'string' ? since : JSON.stringify(since));
    if (this.away) throw new DomainError('unavailable', 'away');
    const cursor = { generation: 'g', n: 1 };
    return { cursor, now: new Date(9), settlesInMs: 0, changes: [], present: undefined, lost: [], ...this.news };
  }

  async peerCursors() {
    if (this.away) throw new DomainError('unavailable', 'away');
    return new Map([[room, { generation: 'g', n: 1 }]]);
  }

  forgetPeers(_room: RoomSessionId, told?: Pick<PeerNews, 'cursor'>): void {
    this.forgotten.push(told?.cursor.n ?? 'all');
  }
}

const room = brandAs<RoomSessionId>('rs');
const came = (name: string, order: number): PeerChange => ({
  kind: 'joined',
  presence: { sessionId: brandAs<SessionId>(name), order, role: 'guest', userId: '' },
});

async function telling(events: readonly OutboxEventType[] = ['peer.joined', 'peer.left']) {
  const at = house();
  const live = new Script();
  const target = { type: 'url', url: 'https://receiver.example/' } as const;
  const webhook = await at.memory.uow.run(({ webhooks }) =>
    webhooks.insert({ domain: at.domain, target, events }, new Date(0)),
  );
  at.memory.settleValidation(webhook.id, true);
  const { id } = await at.rooms.init(at.owner, { domain: at.domain, name: named('r') });
  const told = () =>
    at.memory.events().flatMap(({ type, payload }) => ('id' in payload ? [`${type} ${String(payload.id)}`] : []));
  return { live, id, telling: new PeerTelling(at.memory.uow, live), told, at };
}

describe('telling of peers', () => {
  it('tells of what is new and says what need not be remembered', async () => {
    const { live, id, telling: one, told } = await telling();
    live.news = { changes: [came('ann', 1)] };
    expect(await one.tell([id, room])).toEqual({ done: 1, again: new Map(), failures: [] });
    live.news = { changes: [], cursor: { generation: 'g', n: 1 } };
    await one.tell([id]);
    expect(live.asked).toEqual(['first', '{"generation":"g","n":1}']);
    expect(live.forgotten).toEqual(['all', 1, 1]);
    expect(told()).toEqual(['peer.joined ann']);
  });

  it('asks nothing of a live store that is away', async () => {
    const { live, id, telling: one, told } = await telling();
    live.away = true;
    await expect(one.tell([id])).rejects.toMatchObject({ code: 'unavailable' });
    expect(live.asked).toEqual([]);
    live.away = false;
    live.news = { changes: [came('ann', 1)] };
    await one.tell([id]);
    expect(told()).toEqual(['peer.joined ann']);
  });

  it('reads nothing of a room that nobody hears of', async () => {
    const { live, id, telling: one, told } = await telling(['room.created']);
    await one.tell([id]);
    await one.sweep();
    expect([live.asked, live.forgotten, told()]).toEqual([[], ['all'], []]);
  });

  it('waits for a lost room to settle, tells what is known of it, and then agrees with who is in', async () => {
    const { live, id, telling: one, told } = await telling();
    live.news = { changes: [came('ann', 1), came('bob', 2)] };
    await one.tell([id]);
    const present = [{ sessionId: brandAs<SessionId>('bob'), order: 2, role: 'guest', userId: '' }] as const;
    const cursor = { generation: 'h', n: 1 };
    live.news = { cursor, settlesInMs: 50, changes: [came('bob', 2)], present, lost: [came('eve', 3)] };
    expect((await one.tell([id])).again).toEqual(new Map([[id, 50]]));
    expect(told()).toEqual(['peer.joined ann', 'peer.joined bob', 'peer.joined eve']);
    live.news = { ...live.news, settlesInMs: 0, lost: [] };
    expect((await one.tell([id])).again.size).toBe(0);
    expect(told().slice(3)).toEqual(['peer.left ann', 'peer.left eve']);
  });

  it('takes a room for a lost one when there is something lost before anything was told', async () => {
    const { live, id, telling: one, told } = await telling();
    live.news = { changes: [], lost: [came('ann', 1)], settlesInMs: 50 };
    expect((await one.tell([id])).again.size).toBe(1);
    live.news = { changes: [], present: [], settlesInMs: 0 };
    await one.tell([id]);
    expect(live.asked).toEqual(['first', '{"generation":"lost","n":0}']);
    expect(told()).toEqual(['peer.joined ann', 'peer.left ann']);
  });

  it('does not tell late of a lost presence that others told of since it was given back', async () => {
    const { live, id, telling: one, told } = await telling();
    const left = { kind: 'left', sessionId: brandAs<SessionId>('ann'), order: 1, at: new Date(2) } as const;
    live.news = { changes: [came('ann', 1), left] };
    await one.tell([id]);
    live.news = { changes: [], lost: [came('ann', 1), came('bob', 2)] };
    await one.tell([id]);
    expect(told()).toEqual(['peer.joined ann', 'peer.left ann', 'peer.joined bob', 'peer.left bob']);
  });

  it('goes on with other rooms after one that failed', async () => {
    const { live, id, telling: one, at } = await telling();
    const { id: other } = await at.rooms.init(at.owner, { domain: at.domain, name: named('other') });
    const { peerNews } = Script.prototype;
    live.peerNews = async (of, since) => {
      if (of === id) throw new Error('boom');
      return peerNews.call(live, of, since);
    };
    const { done, failures } = await one.tell([id, other]);
    expect([done, failures.map((failure) => failure.id)]).toEqual([1, [id]]);
  });
});
