import { randomUUID } from 'node:crypto';
import { brandAs, type AskEvent, type SessionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import { World, type Backend, type Node, type Person } from './world';

/** Questions to sessions, and their answers. */
export function asksSuite(backend: () => Backend): void {
  describe('questions', () => {
    let world: World;
    let a: Node;
    let b: Node;
    let c: Node;

    beforeEach(() => {
      world = new World(backend());
      [a, b, c] = [world.node(), world.node(), world.node()];
    });
    afterEach(() => world.close());

    const question = (): AskEvent => ({ kind: 'ask', askId: randomUUID(), topic: 'dialout', data: { n: 1, list: [] } });
    const asked = async ({ sink }: Person) => {
      await sink.until(() => sink.lines.includes('ask'), 'the question');
      const event = sink.deliveries.at(-1)?.event;
      if (event?.kind !== 'ask') throw new Error('no question');
      return event;
    };

    it('are answered from another replica; the first answer counts', async () => {
      const sip = await b.open('sip');
      const asking = question();
      const answer = a.live.asks.ask(sip.id, asking, 10_000);
      expect(await asked(sip)).toEqual(asking);
      expect(await c.live.asks.answer(asking.askId, { callid: '7', list: [], map: {} })).toBe(true);
      expect(await b.live.asks.answer(asking.askId, { callid: '8' })).toBe(false);
      expect(await answer).toEqual({ callid: '7', list: [], map: {} });
      expect(await b.live.asks.answer(asking.askId, 'late')).toBe(false);
      expect(await b.live.asks.answer(randomUUID(), 'unasked')).toBe(false);
    });

    it('are answered with nothing when nobody is there or nobody answers in time', async () => {
      expect(await a.live.asks.ask(brandAs<SessionId>('nobody'), question(), 10_000)).toBeUndefined();
      const sip = await b.open('sip');
      const asking = question();
      expect(await a.live.asks.ask(sip.id, asking, 200)).toBeUndefined();
      expect(await b.live.asks.answer(asking.askId, 'late')).toBe(false);
    });

    it('are answered although the wake was lost', async () => {
      const sip = await b.open('sip');
      const asking = question();
      const answer = a.live.asks.ask(sip.id, asking, 10_000);
      await asked(sip);
      a.deafen();
      expect(await b.live.asks.answer(asking.askId, null)).toBe(true);
      expect(await answer).toBeNull();
      a.thaw();
    });

    it('do not disturb each other', async () => {
      const sip = await b.open('sip');
      const all = [question(), question(), question()] as const;
      const answers = Promise.all([
        a.live.asks.ask(sip.id, all[0], 10_000),
        b.live.asks.ask(sip.id, all[1], 10_000),
        c.live.asks.ask(sip.id, all[2], 10_000),
      ]);
      await sip.sink.until(() => sip.sink.lines.length === 3, 'three questions');
      for (const [n, one] of all.entries()) {
        await eventually(() => c.live.asks.answer(one.askId, n), 'the answer to be taken');
      }
      expect(await answers).toEqual([0, 1, 2]);
    });
  });
}
