import { brandAs, type DomainName, type RoomName } from '@parley/domain';
import { AT, booked, OF_NO_OPENING, ONE, removed, TWO, useOutboxWorld } from '../../test/outbox-world';
import { DeliveryUpkeepStore } from './upkeep.store';

const world = useOutboxWorld();

/** Who is told of what: `<webhook> <type>[ <room>]`, of each domain in order. */
async function told(): Promise<string[]> {
  const rows = await world().database.prisma.webhookDelivery.findMany({
    include: { event: true },
    orderBy: [{ event: { domainName: 'asc' } }, { position: 'asc' }, { webhookId: 'asc' }],
  });
  return rows.map(({ webhookId, event }) => [webhookId, event.type, event.roomName ?? []].flat().join(' '));
}

describe('who is told', () => {
  test('is who lists the event and listens to its room', async () => {
    const plain = await world().webhook();
    const bookings = await world().webhook({ events: ['booking.added'], roomName: brandAs<RoomName>('a') });
    const all = await world().webhook({ events: ['room.removed', 'booking.added'] });
    const elsewhere = await world().webhook({ domain: TWO, events: ['room.removed', 'booking.added'] });
    await world().append(removed(await world().open(ONE, 'a')), booked(ONE, 'a'), booked(ONE, 'b'), booked(TWO, 'a'));
    await world().relayAll();
    expect(await told()).toEqual([
      `${plain} room.removed a`,
      `${all} room.removed a`,
      `${bookings} booking.added a`,
      `${all} booking.added a`,
      `${all} booking.added b`,
      `${elsewhere} booking.added a`,
    ]);
  });

  test('is everybody who proved itself once, unless it was removed or disabled', async () => {
    const told1 = await world().webhook();
    const paused = await world().webhook({}, { pausedAt: AT });
    const suspended = await world().webhook({}, { suspendedAt: AT });
    const moved = await world().webhook({}, { validated: false });
    await world().webhook({}, { validated: false, provenAt: null });
    await world().webhook({}, { disabledAt: AT });
    await world().webhook({}, { removedAt: AT });
    await world().append(removed(await world().open(ONE, 'a')));
    await world().relayAll();
    expect(await told()).toEqual([told1, paused, suspended, moved].map((id) => `${id} room.removed a`));
  });

  test('is a robot too, which gets no job', async () => {
    const url = await world().webhook();
    const robot = await world().webhook({ target: { type: 'robot', robotId: 7 } });
    await world().append(removed(await world().open(ONE, 'a')));
    const round = await world().relay.relay(100);
    expect(round).toEqual({ events: 1, webhooks: [url], robots: true, more: false });
    expect(await told()).toEqual([`${url} room.removed a`, `${robot} room.removed a`]);
  });

  test('is one webhook alone when the event is for it alone', async () => {
    await world().webhook({ events: ['webhook.test'] });
    const asked = await world().webhook({ roomName: brandAs<RoomName>('a') });
    const foreign = await world().webhook({ domain: TWO });
    const test = { type: 'webhook.test', domain: ONE, roomName: null, payload: {}, ...OF_NO_OPENING } as const;
    await world().append({ ...test, onlyWebhookId: asked }, { ...test, onlyWebhookId: foreign });
    await world().relayAll();
    expect(await told()).toEqual([`${asked} webhook.test`]);
  });

  test('of trouble with a webhook are the others that list it, whatever their room', async () => {
    const events = ['webhook.alert'] as const;
    const sick = await world().webhook({ events });
    const other = await world().webhook({ events });
    const ofRoom = await world().webhook({ events, roomName: brandAs<RoomName>('a') });
    await world().webhook();
    const payload = { webhookId: sick, reason: 'warning' } as const;
    await world().append({ type: 'webhook.alert', domain: ONE, roomName: null, payload, ...OF_NO_OPENING });
    await world().relayAll();
    expect(await told()).toEqual([`${other} webhook.alert`, `${ofRoom} webhook.alert`]);
  });
});

describe('events of no opening', () => {
  test('are numbered by room name, and by domain without one', async () => {
    const test = { type: 'webhook.test', domain: ONE, roomName: null, payload: {}, ...OF_NO_OPENING } as const;
    await Promise.all([
      world().append(booked(ONE, 'a'), booked(ONE, 'b')),
      world().append(booked(ONE, 'a')),
      world().append(booked(TWO, 'a')),
      world().append(test),
      world().append(test),
    ]);
    const rows = await world().database.prisma.outboxEvent.findMany({
      orderBy: [{ domainName: 'asc' }, { seq: 'asc' }],
    });
    expect(rows.map((row) => `${row.domainName} ${row.roomName ?? '-'} ${row.seq}`).sort()).toEqual([
      `${ONE} - 1`,
      `${ONE} - 2`,
      `${ONE} a 1`,
      `${ONE} a 2`,
      `${ONE} b 1`,
      `${TWO} a 1`,
    ]);
  });
});

test('retention takes neither a number nor a position back', async () => {
  await world().webhook({ events: ['room.removed', 'booking.added'] });
  const room = await world().open(ONE, 'a');
  const events = [removed(room), booked(ONE, 'a')];
  await world().append(...events);
  await world().relayAll();
  const before = await world().database.prisma.outboxEvent.aggregate({ _max: { position: true } });
  await world().database.prisma.domain.update({ where: { name: ONE }, data: { webhookRetentionDays: 0 } });
  const upkeep = new DeliveryUpkeepStore(world().database.prisma);
  expect(await upkeep.expire(10)).toBe(2);
  expect(await upkeep.deleteOld(10)).toMatchObject({ events: 2 });
  await world().append(...events);
  await world().relayAll();
  const after = await world().database.prisma.outboxEvent.findMany({ orderBy: { position: 'asc' } });
  expect(after.map(({ type, seq }) => `${seq} ${type}`)).toEqual(['2 room.removed', '2 booking.added']);
  expect(after[0]?.position).toBeGreaterThan(before._max.position ?? Infinity);
});

/** Makes every delivery take a moment to be written, so that relays which are not kept apart commit out of order. */
async function slowDeliveries(): Promise<void> {
  await world().database.prisma.$executeRawUnsafe(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(random() * 0.01); RETURN NEW; END $$`);
  await world().database.prisma.$executeRawUnsafe(
    'CREATE TRIGGER dawdle BEFORE INSERT ON "WebhookDelivery" FOR EACH ROW EXECUTE FUNCTION dawdle()',
  );
}

interface Place {
  position: bigint;
  roomSessionId: string | null;
  roomName: string | null;
  seq: number;
}

/** Reads a domain's events page by page, as somebody who polls, until `enough`. */
async function poll(domain: DomainName, enough: () => boolean): Promise<Place[]> {
  const read: Place[] = [];
  for (;;) {
    const last = enough();
    const after = read.at(-1)?.position ?? 0n;
    const page = await world().database.prisma.$queryRaw<Place[]>`
      SELECT position, "roomSessionId", "roomName", seq FROM "OutboxEvent"
      WHERE "domainName" = ${domain} AND position > ${after} ORDER BY position LIMIT 5`;
    read.push(...page);
    if (last && page.length === 0) return read;
  }
}

test('whoever reads by position misses nothing and sees each room in order, while relays and writers race', async () => {
  await slowDeliveries();
  for (const domain of [ONE, TWO]) await world().webhook({ domain, events: ['room.removed', 'booking.added'] });
  const rooms = [await world().open(ONE, 'a'), await world().open(ONE, 'b'), await world().open(TWO, 'a')];
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < 15; n += 1) {
      const room = rooms[(n + writer) % rooms.length]!;
      await world().append(removed(room), ...(n % 3 === 0 ? [booked(room.domain, room.name)] : []));
    }
  };
  const over = { written: false, relayed: false };
  const relays = Array.from({ length: 4 }, async () => {
    for (;;) {
      const last = over.written;
      const { events } = await world().relay.relay(4);
      const left =
        last && events === 0 ? await world().database.prisma.outboxEvent.count({ where: { relayedAt: null } }) : 1;
      if (left === 0) return;
    }
  });
  const readers = [ONE, TWO, ONE, TWO].map((domain) => poll(domain, () => over.relayed));
  try {
    await Promise.all(Array.from({ length: 5 }, (_, writer) => write(writer)));
    over.written = true;
    await Promise.all(relays);
  } finally {
    Object.assign(over, { written: true, relayed: true });
  }

  for (const [reader, domain] of [ONE, TWO, ONE, TWO].entries()) {
    const read = await readers[reader]!;
    expect(read).toHaveLength(await world().database.prisma.outboxEvent.count({ where: { domainName: domain } }));
    const sequences = new Map<string, number[]>();
    for (const { roomSessionId, roomName, seq } of read) {
      const of = roomSessionId ?? `booking of ${roomName}`;
      sequences.set(of, [...(sequences.get(of) ?? []), seq]);
    }
    for (const seqs of sequences.values()) expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  }
  const astray = await world().database.prisma.$queryRaw`
    SELECT d.id FROM "WebhookDelivery" d JOIN "OutboxEvent" e ON e.id = d."eventId"
    WHERE d.position <> e.position OR d."roomName" IS DISTINCT FROM e."roomName"`;
  expect(astray).toEqual([]);
  expect(await world().database.prisma.webhookDelivery.count()).toBe(5 * (15 + 5));
});
