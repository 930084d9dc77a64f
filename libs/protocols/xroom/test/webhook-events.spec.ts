import { type JsonObject, OUTBOX_EVENT_TYPES, type OutboxEventType } from '@parley/domain';
import {
  encodeValidationRequest,
  encodeWebhookEvent,
  eventHeaders,
  type StoredEvent,
  WEBHOOK_EVENT_NAMES,
} from '../src';

const stored = (type: OutboxEventType, payload: JsonObject = {}): StoredEvent => ({
  id: 'evt_eu-1_7',
  type,
  domain: 'chat.example',
  roomName: 'a',
  roomSessionId: 'rs_eu-1_1',
  seq: 3,
  occurredAt: new Date('2026-11-21T15:00:00.250Z'),
  payload,
});
const place = {
  eventId: 'evt_eu-1_7',
  roomSessionId: 'rs_eu-1_1',
  seq: 3,
  occurredAt: '2026-11-21T15:00:00.250Z',
};
const room = { type: 'conference', capacity: 100, locked: false };
const peer = { id: 'abc', userId: 'u1', name: 'Ann', isHost: true };
const booking = { id: 'bk_1', validUntil: '2026-11-21T16:00:00.000Z' };
const plain = { webhookId: 1025, detailed: false };

describe('payloads of Appendix C', () => {
  it('roomCreated has exactly the keys of the manual', () => {
    const payload = { id: 1025, event: 'roomCreated', domain: 'chat.example', roomName: 'a' };
    expect(encodeWebhookEvent(stored('room.created', room), plain)).toEqual({
      ...payload,
      options: { type: 1, capacity: 100, isLocked: false },
    });
    const secrets = { password: 'p', hostKey: 'h' };
    expect(encodeWebhookEvent(stored('room.created', { ...room, type: 'webinar' }), { ...plain, secrets })).toEqual({
      ...payload,
      options: { type: 2, capacity: 100, isLocked: false, password: 'p', hostKey: 'h' },
    });
  });

  it('roomRemoved and validation', () => {
    const payload = { id: 1025, event: 'roomRemoved', domain: 'chat.example', roomName: 'a' };
    expect(encodeWebhookEvent(stored('room.removed'), plain)).toEqual(payload);
    expect(encodeValidationRequest('c9')).toEqual({ event: 'validation', signThis: 'c9' });
  });

  it.each(['room.created', 'room.removed'] as const)('%s says where it stands when details are wanted', (type) => {
    expect(encodeWebhookEvent(stored(type, room), { webhookId: 1, detailed: true })).toMatchObject(place);
    expect(encodeWebhookEvent(stored(type, room), { detailed: true })).not.toHaveProperty('id');
  });
});

describe('payloads in the style of Appendix C', () => {
  it.each<[OutboxEventType, JsonObject, JsonObject]>([
    [
      'room.updated',
      { ...room, changes: { locked: true, type: 'webinar', passwordSet: false, capacity: 9, hostKeySet: true } },
      {
        options: { type: 1, capacity: 100, isLocked: false },
        changes: { isLocked: true, type: 2, passwordSet: false, capacity: 9, hostKeySet: true },
      },
    ],
    ['room.updated', { ...room, changes: { passwordSet: true } }, { changes: { passwordSet: true } }],
    ['peer.joined', peer, { peer }],
    ['peer.left', { id: 'abc' }, { peer: { id: 'abc' } }],
    ['host.joined', peer, { peer }],
    ['booking.added', booking, { booking }],
    ['booking.updated', booking, { booking }],
    ['booking.removed', booking, { booking }],
    ['booking.expired', booking, { booking }],
    ['webhook.test', {}, {}],
    [
      'webhook.alert',
      { webhookId: 1, reason: 'failing', percent: 50 },
      { alert: { webhookId: 1, reason: 'failing', percent: 50 } },
    ],
  ])('%s', (type, payload, own) => {
    const event = WEBHOOK_EVENT_NAMES[type];
    const told = encodeWebhookEvent(stored(type, payload), plain);
    expect(told).toMatchObject({ id: 1025, event, domain: 'chat.example', roomName: 'a', ...place, ...own });
    const ownKeys = type === 'room.updated' ? ['changes', 'options'] : Object.keys(own);
    expect(Object.keys(told).sort()).toEqual(
      ['domain', 'event', 'id', 'roomName', ...Object.keys(place), ...ownKeys].sort(),
    );
  });

  it('leaves out the room of what is of none, and says that there is no opening', () => {
    const event = { ...stored('webhook.test'), roomName: null, roomSessionId: null };
    expect(encodeWebhookEvent(event, plain)).toEqual({
      id: 1025,
      event: 'webhookTest',
      domain: 'chat.example',
      ...place,
      roomSessionId: null,
    });
  });

  it('tells nothing that is not of the event, whatever was stored', () => {
    const secret = { password: 'geheim', hostKey: 'hk' };
    for (const type of OUTBOX_EVENT_TYPES) {
      const changes = { locked: true, ...secret };
      const payload = { ...room, ...peer, ...booking, changes, webhookId: 1, reason: 'failing', ...secret };
      expect(JSON.stringify(encodeWebhookEvent(stored(type, payload), plain))).not.toMatch(/geheim|"hk"/);
    }
  });

  it('refuses what is no event of its type', () => {
    expect(() => encodeWebhookEvent(stored('booking.added', room), plain)).toThrow();
  });

  it('has one name for each type', () => {
    expect(new Set(Object.values(WEBHOOK_EVENT_NAMES)).size).toBe(OUTBOX_EVENT_TYPES.length);
  });
});

it('headers say where an event stands', () => {
  const headers = {
    'x-parley-event-id': 'evt_eu-1_7',
    'x-parley-seq': '3',
    'x-parley-occurred-at': '2026-11-21T15:00:00.250Z',
  };
  expect(eventHeaders(stored('room.removed'))).toEqual({ ...headers, 'x-parley-room-session-id': 'rs_eu-1_1' });
  expect(eventHeaders({ ...stored('booking.added'), roomSessionId: null })).toEqual(headers);
});
