import { brandAs, DomainError, isDomainError, type EntryService } from '@parley/domain';
import { createMemoryLive } from '@parley/live';
import { JoinService } from './join.service';
import { Turns } from './turns';

// It stands still: the first pause is a second.
const at = new Date();
const clock = { now: () => at };

it('many guesses at once are as many as many guesses one by one', async () => {
  const live = createMemoryLive({ replica: brandAs('api-test'), clock });
  let looked = 0;
  const entry: Pick<EntryService, 'admit'> = {
    admit: async () => {
      looked += 1;
      await new Promise(setImmediate);
      throw new DomainError('wrong_password', 'The password is missing or wrong.');
    },
  };
  const joins = new JoinService(entry, live.guards, { issue: async () => 'ticket' }, clock, {
    region: brandAs('eu-1'),
    authUrl: 'https://parley.test/tickets',
    signalingUrl: 'wss://parley.test/spreed',
    iceServers: [],
    perMinute: { address: 1_000, room: 1_000 },
  });
  try {
    const guess = (n: number) => joins.join({ room: 'chat.test/a', password: `guess ${n}` }, '192.0.2.1');
    const guesses = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => guess(n)));
    const codes = guesses.map((each) =>
      each.status === 'rejected' && isDomainError(each.reason) ? each.reason.code : 'let in',
    );
    expect(looked).toBe(3);
    expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(47);
  } finally {
    await live.close();
  }
});

it('turns of one name follow each other, failed ones too; other names do not wait', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const work = (text: string) => async () => {
    order.push(`${text} begins`);
    await new Promise(setImmediate);
    order.push(`${text} ends`);
    if (text === 'a1') throw new Error(text);
  };
  const all = [turns.take('a', work('a1')), turns.take('a', work('a2')), turns.take('b', work('b1'))];
  const outcomes = await Promise.allSettled(all);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(order.filter((line) => line.startsWith('a'))).toEqual(['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends']);
  expect(order.indexOf('b1 begins')).toBeLessThan(order.indexOf('a2 begins'));
});
