import {
  brandAs,
  DEFAULT_EVENTS,
  DOMAIN_ERROR_CODES,
  DomainError,
  type Booking,
  type Member,
  type Room,
  type Webhook,
} from '@parley/domain';
import {
  answerAuthRefusal,
  answerDomainError,
  answerHttpStatus,
  answerWireError,
  encodeBooking,
  encodeRoom,
  encodeRoomList,
  encodeWebhook,
  envelopeSchema,
  peerTypeCode,
} from '../src';

const domain = brandAs<Room['domain']>('chat.example');
const room: Room = {
  id: brandAs('rs_eu-1_1'),
  domain,
  name: brandAs('a'),
  openedBy: 'api',
  policy: { version: 1, type: 'webinar', locked: true, capacity: 7, passwordVersion: 1, hasHostKey: true },
  password: 'pw',
  hostKey: 'hk',
  openedAt: new Date(0),
  closeAfter: null,
};
const member = (id: string, role: Member['role'], order: number): Member => ({
  sessionId: brandAs(id),
  kind: 'client',
  role,
  userId: '',
  order,
});

describe('answers', () => {
  it('init: password and host key only when the room has them', () => {
    expect(encodeRoom(room)).toEqual({ id: 'chat.example/a', type: 2, isLocked: true, key: 'pw', hostKey: 'hk' });
    expect(encodeRoom({ ...room, password: null, hostKey: null })).toEqual({
      id: 'chat.example/a',
      type: 2,
      isLocked: true,
    });
  });

  it('list: peers with their types, {} for an idle domain', () => {
    const members = [member('p1', 'host', 1), member('p2', 'guest', 2)];
    const idle = { domain: brandAs<Room['domain']>('idle.example'), rooms: [] };
    expect(encodeRoomList([{ domain, rooms: [{ room, members }] }, idle])).toEqual({
      'chat.example': {
        'chat.example/a': {
          options: { type: 2, isLocked: true, password: 'pw' },
          clients: [
            { id: 'p1', type: 3 },
            { id: 'p2', type: 4 },
          ],
        },
      },
      'idle.example': {},
    });
  });

  it('peer types of Appendix A', () => {
    expect([peerTypeCode('conference', 'host'), peerTypeCode('conference', 'guest')]).toEqual([1, 2]);
    expect([peerTypeCode('webinar', 'host'), peerTypeCode('webinar', 'guest')]).toEqual([3, 4]);
  });

  it('bookings have ISO times, webhooks only what they are', () => {
    const booking: Booking = { id: brandAs('bk_1'), domain, roomName: brandAs('a'), validUntil: new Date(1e12) };
    expect(encodeBooking(booking)).toEqual({ domain, roomName: 'a', validUntil: '2001-09-09T01:46:40.000Z' });
    const active = { events: DEFAULT_EVENTS, detailed: false, validated: true, state: { kind: 'active' } } as const;
    const base = { id: brandAs<Webhook['id']>(1025), domain, order: 'unordered', ...active } as const;
    const url: Webhook = { ...base, roomName: null, target: { type: 'url', url: 'https://x.example/' } };
    const robot: Webhook = { ...base, roomName: brandAs<Room['name']>('a'), target: { type: 'robot', robotId: 3 } };
    expect(encodeWebhook(url)).toEqual({ id: 1025, domain, url: 'https://x.example/' });
    expect(encodeWebhook(robot)).toEqual({ id: 1025, domain, roomName: 'a', robotId: 3 });
  });
});

describe('refusals', () => {
  it.each(DOMAIN_ERROR_CODES)('%s is an envelope with a text', (code) => {
    const { status, body } = answerDomainError(new DomainError(code, ''));
    expect(envelopeSchema.parse(body)).toMatchObject({ isError: true, data: null });
    expect([200, 401, 421, 429, 503]).toContain(status);
  });

  it('a refused operation is 200, the text is the one of the rule', () => {
    const answer = answerDomainError(new DomainError('room_exists_differently', 'Other type.'));
    expect(answer).toEqual({ status: 200, headers: {}, body: { isError: true, errMsg: 'Other type.', data: null } });
  });

  it('the other statuses', () => {
    const status = (code: 'too_large' | 'unreadable' | 'refused') => answerWireError({ code, message: 'x' }).status;
    expect([status('too_large'), status('unreadable'), status('refused')]).toEqual([413, 400, 200]);
    expect(answerAuthRefusal({ code: 'bad_version', message: 'x' }).status).toBe(400);
    expect(answerAuthRefusal({ code: 'unauthenticated', message: 'x' }).status).toBe(401);
    expect(answerHttpStatus(500, 'err_1').body.errMsg).toContain('err_1');
  });

  it('429 and 503 say when to come back', () => {
    const limited = new DomainError('rate_limited', 'x', { retryAfterSeconds: 7.2 });
    expect(answerDomainError(limited).headers).toEqual({ 'retry-after': '8' });
    expect(answerDomainError(new DomainError('unavailable', 'x')).headers).toEqual({ 'retry-after': '5' });
  });
});
