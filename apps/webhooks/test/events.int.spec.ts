import {
  BookingService,
  brandAs,
  cryptoIds,
  OUTBOX_EVENT_TYPES,
  type DomainName,
  type NewOutboxEvent,
  type NewWebhook,
  type Room,
  type RoomName,
  type WebhookId,
} from '@parley/domain';
import { WEBHOOK_EVENT_NAMES } from '@parley/protocol-xroom';
import type { ReceivedRequest } from '@parley/testing';
import { useWorld } from './world';

const world = useWorld();

type Body = Record<string, unknown> & { event: string; seq?: number };
const bodyOf = (request: ReceivedRequest): Body => JSON.parse(request.body) as Body;
const bodies = (requests: readonly ReceivedRequest[]): Body[] => requests.map(bodyOf);

/** A webhook with settings of its own that has proved itself. */
async function webhook(domain: DomainName, url: string, settings: Partial<NewWebhook>): Promise<WebhookId> {
  const { webhooks } = world().database.stores;
  const { id } = await webhooks.insert({ domain, target: { type: 'url', url }, ...settings }, new Date());
  const proven = { validated: true, provenAt: new Date(), nextValidationAt: null };
  await world().database.prisma.webhook.update({ where: { id }, data: proven });
  return id;
}

const append = (...events: NewOutboxEvent[]) =>
  world().database.uow.run(async (stores) => {
    for (const event of events) await stores.outbox.append(event);
  });

/** Everything that can happen in and around a room, beside its opening and its end. */
function everythingIn(room: Room, asked: WebhookId): NewOutboxEvent[] {
  const occurredAt = new Date('2026-11-21T12:00:00.250Z');
  const inRoom = { domain: room.domain, roomName: room.name, roomSessionId: room.id, occurredAt };
  const beside = { ...inRoom, roomSessionId: null };
  const peer = { id: 'p1', userId: 'u1', name: 'Ann', isHost: true };
  const booking = { id: 'bk_1', validUntil: '2026-11-21T13:00:00.000Z' };
  const facts = { type: 'conference', capacity: 25, locked: true } as const;
  const about = { webhookId: 4711, reason: 'failing', percent: 50 } as const;
  return [
    { type: 'room.updated', payload: { ...facts, changes: { locked: true, passwordSet: true } }, ...inRoom },
    { type: 'peer.joined', payload: peer, ...inRoom },
    { type: 'host.joined', payload: peer, ...inRoom },
    { type: 'peer.left', payload: peer, ...inRoom },
    { type: 'booking.added', payload: booking, ...beside },
    { type: 'booking.updated', payload: booking, ...beside },
    { type: 'booking.removed', payload: booking, ...beside },
    { type: 'booking.expired', payload: booking, ...beside },
    { type: 'webhook.test', payload: {}, ...beside, roomName: null, onlyWebhookId: asked },
    { type: 'webhook.alert', payload: about, ...beside, roomName: null },
  ];
}

test('every kind of event is told, with its place in body and headers', async () => {
  const receiver = await world().receiver();
  const domain = await world().domain();
  const id = await webhook(domain, receiver.url, { events: OUTBOX_EVENT_TYPES, order: 'fifo', detailed: true });
  await world().dispatcher();
  const room = await world().openRoom(domain, 'board', { password: 'geheim', hostKey: 'hk-1' });
  await append(...everythingIn(room, id));
  await world().closeRoom(room);
  await world().waitForDeliveries(id, 'delivered', OUTBOX_EVENT_TYPES.length);

  const told = bodies(receiver.requests);
  expect(told.map(({ event }) => event).sort()).toEqual(Object.values(WEBHOOK_EVENT_NAMES).sort());
  const stored = new Map((await world().deliveries(id)).map(({ event }) => [event.id, event]));
  for (const request of receiver.requests) {
    const body = bodyOf(request);
    const event = stored.get(String(body.eventId));
    const place = { roomSessionId: event?.roomSessionId, seq: event?.seq, occurredAt: event?.occurredAt.toISOString() };
    expect(body).toMatchObject({ id, domain, eventId: event?.id, ...place });
    expect(request.headers).toMatchObject({
      'x-parley-event-id': event?.id,
      'x-parley-seq': String(event?.seq),
      'x-parley-occurred-at': event?.occurredAt.toISOString(),
    });
    expect(request.headers['x-parley-room-session-id']).toBe(event?.roomSessionId ?? undefined);
  }
  const ofOpening = told.filter(({ roomSessionId }) => roomSessionId === room.id);
  expect(ofOpening.map(({ event, seq }) => `${seq} ${event}`)).toEqual([
    '1 roomCreated',
    '2 roomUpdated',
    '3 peerJoined',
    '4 hostJoined',
    '5 peerLeft',
    '6 roomRemoved',
  ]);
  expect(ofOpening[0]).toMatchObject({ options: { password: 'geheim', hostKey: 'hk-1' } });
  expect(receiver.requests.filter(({ body }) => /geheim|hk-1/.test(body))).toHaveLength(1);
});

test('a webhook of the xroom API hears what the manual knows, key for key, and the rest in headers', async () => {
  const receiver = await world().receiver();
  const domain = await world().domain();
  const id = await webhook(domain, receiver.url, {});
  await world().dispatcher();
  const room = await world().openRoom(domain, 'board');
  // It is unordered: what is sent at the same time may arrive in any order.
  await world().waitForDeliveries(id, 'delivered', 1);
  await append(...everythingIn(room, brandAs<WebhookId>(1)));
  await world().closeRoom(room);
  await world().waitForDeliveries(id, 'delivered', 2);
  const options = { type: 1, capacity: 25, isLocked: false };
  expect(bodies(receiver.requests)).toEqual([
    { id, event: 'roomCreated', domain, roomName: 'board', options },
    { id, event: 'roomRemoved', domain, roomName: 'board' },
  ]);
  expect(receiver.requests.map(({ headers }) => headers['x-parley-seq'])).toEqual(['1', '6']);
  expect(receiver.requests.map(({ headers }) => headers['x-parley-room-session-id'])).toEqual([room.id, room.id]);
});

test('what becomes of bookings is told to those who ask for it', async () => {
  const receiver = await world().receiver();
  const domain = await world().domain();
  const events = ['booking.added', 'booking.updated', 'booking.expired'] as const;
  const id = await webhook(domain, receiver.url, { events, order: 'fifo' });
  await world().dispatcher();
  const time = { now: new Date() };
  const bookings = new BookingService(world().database.uow, { now: () => time.now }, cryptoIds);
  const account = brandAs<Parameters<BookingService['add']>[0]>('acc_1');
  const roomName = brandAs<RoomName>('hall');
  const first = new Date(time.now.getTime() + 60_000);
  const until = new Date(time.now.getTime() + 120_000);
  const booking = await bookings.add(account, { domain, roomName, validUntil: first });
  await bookings.update(account, { domain, roomName, validUntil: until });
  time.now = until;
  await bookings.expire(time.now);
  await world().waitForDeliveries(id, 'delivered', 3);
  const told = (event: string, seq: number, validUntil: Date): unknown =>
    expect.objectContaining({
      id,
      event,
      domain,
      roomName,
      seq,
      roomSessionId: null,
      booking: { id: booking.id, validUntil: validUntil.toISOString() },
    });
  expect(bodies(receiver.requests)).toEqual([
    told('bookingAdded', 1, first),
    told('bookingUpdated', 2, until),
    told('bookingExpired', 3, until),
  ]);
});
