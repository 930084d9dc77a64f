import { freePort } from '@parley/testing';
import { ApiProcess } from './api-process';
import { adminCall, callOnce, DOMAIN, relaying, startTwoRegions } from './two-regions';

const EVENTS = 20_000;
const WISH = { to: 'us-1', closeRooms: true };

/** The move is driven by one who repeats what broke; after each of these times in turn both apis are killed in mid-work. */
const KILLED_AFTER_MS = [40, 250, 500, 900, 1_400, 30, 120, 700];

test('a move whose apis are killed again and again arrives whole, once', async () => {
  const world = await startTwoRegions();
  const relays = [relaying(world.eu), relaying(world.us)];
  const running = new Map<string, ApiProcess>();
  const ports = [await freePort(), await freePort()] as const;
  const start = async () => {
    const [eu, us] = await Promise.all([
      ApiProcess.start(world.eu.env, ports[0]),
      ApiProcess.start(world.us.env, ports[1]),
    ]);
    running.set('eu', eu).set('us', us);
  };
  const kill = () => Promise.all([...running.values()].map((api) => api.kill()));
  try {
    await callOnce(world.eu.url, 'booking/add', {
      ...{ domain: DOMAIN, roomName: 'later', validUntil: Date.parse('2030-01-01') },
    });
    await world.eu.database.prisma.$executeRaw`
      INSERT INTO "OutboxEvent" (id, "domainName", seq, type, payload, "occurredAt", "relayedAt", position)
      SELECT 'evt_eu-1_' || n, ${DOMAIN}, n, 'room.created', '{}', now(), now(), 1000 + n
      FROM generate_series(1, ${EVENTS}::int) n`;
    await Promise.all([world.eu.api.close(), world.us.api.close()]);
    await start();
    let kills = 0;
    for (let phase: unknown; phase !== 'done';) {
      const afterMs = KILLED_AFTER_MS[kills];
      const step = adminCall(`http://127.0.0.1:${ports[0]}`, 'POST', `domains/${DOMAIN}/move`, WISH).catch(() => null);
      if (afterMs !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        await kill();
        kills += 1;
        await step;
        await start();
        continue;
      }
      const answer = await step;
      // What a busy database put off is repeated, too.
      if (answer !== null && answer.status !== 200 && answer.status !== 503) throw new Error(JSON.stringify(answer));
      phase = answer?.json['phase'];
    }
    const [here, there] = [world.eu.database.prisma, world.us.database.prisma];
    expect(await here.outboxEvent.count()).toBe(0);
    expect(await here.domain.count()).toBe(0);
    // One event more: the booking's own.
    expect(await there.outboxEvent.count({ where: { domainName: DOMAIN } })).toBe(EVENTS + 1);
    expect(await there.booking.count()).toBe(1);
    expect(await there.domain.findMany({ select: { region: true, epoch: true, movingTo: true } })).toEqual([
      { region: 'us-1', epoch: 2, movingTo: null },
    ]);
    expect(await callOnce(world.us.url, 'booking/remove', { domain: DOMAIN, roomName: 'later' })).toMatchObject({
      status: 200,
      errMsg: null,
    });
    expect(await callOnce(world.eu.url, 'booking/list', { domain: DOMAIN })).toMatchObject({ status: 421 });
  } finally {
    await kill();
    await Promise.all(relays.map((relay) => relay.stop()));
    await world.close();
  }
}, 400_000);
