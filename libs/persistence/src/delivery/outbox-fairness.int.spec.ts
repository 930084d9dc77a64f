import { brandAs, type DomainName } from '@parley/domain';
import { addDomains } from '../../test/delivery-world';
import { booked, ONE, removed, TWO, useOutboxWorld } from '../../test/outbox-world';

const world = useOutboxWorld();
const PATIENT = { maxWait: 15_000, timeout: 25_000 };

describe('a domain', () => {
  test('is left to the relay that is at it, and the others are taken, however much waits before them', async () => {
    const one = await world().open(ONE, 'a');
    await world().append(...Array.from({ length: 6 }, () => removed(one)), removed(await world().open(TWO, 'a')));
    await world().database.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('parley:outbox:one.example', 0))`;
      expect(await world().relay.relay(3)).toMatchObject({ events: 1, more: false });
      expect(await world().relay.relay(3)).toMatchObject({ events: 0, more: false });
    }, PATIENT);
    expect(await world().relay.relay(3)).toMatchObject({ events: 3, more: true });
    expect(await world().relay.relay(5)).toMatchObject({ events: 3, more: false });
  });
});

describe('a backlog', () => {
  test('of one domain keeps no other waiting: they share what a round takes', async () => {
    const one = await world().open(ONE, 'a');
    await world().append(...Array.from({ length: 30 }, () => removed(one)));
    await world().append(...Array.from({ length: 2 }, () => booked(TWO, 'a')));
    expect(await world().relay.relay(10)).toMatchObject({ events: 10, more: true });
    expect(await world().database.prisma.outboxEvent.count({ where: { domainName: TWO, relayedAt: null } })).toBe(0);
    // What the others have no use for is not left unused.
    const left = await world().database.prisma.outboxEvent.findMany({
      where: { relayedAt: null },
      orderBy: { entered: 'asc' },
    });
    expect(left.map(({ domainName, seq }) => `${domainName} ${seq}`)).toEqual(
      Array.from({ length: 22 }, (_, n) => `${ONE} ${n + 9}`),
    );
  });

  test('of more domains than a round looks at is taken in turns, each domain once', async () => {
    const names = Array.from({ length: 120 }, (_, n) => brandAs<DomainName>(`m${String(n).padStart(3, '0')}.example`));
    await addDomains(world().database, names);
    await world().append(...names.map((name) => booked(name, 'a')));
    const rounds = [];
    for (let round = await world().relay.relay(200); rounds.push(round.events) && round.more;)
      round = await world().relay.relay(200);
    expect(rounds).toEqual([50, 50, 20, 0]);
    expect(await world().database.prisma.outboxEvent.count({ where: { relayedAt: null } })).toBe(0);
    // Once through, it begins with the first again.
    await world().append(booked(names[0]!, 'a'));
    expect(await world().relay.relay(200)).toMatchObject({ events: 1, more: false });
  });
});
