import { house, named, refusal } from './house';

const roomName = named('room');

it('books once, until the booking has expired', async () => {
  const { bookings, owner, domain, pass, in: later } = house();
  const booking = await bookings.add(owner, { domain, roomName, validUntil: later(60) });
  expect(booking.id).toMatch(/^bk_eu-1_[0-9a-f]{32}$/);
  expect(await bookings.get(owner, domain, roomName)).toEqual(booking);
  expect(await refusal(bookings.add(owner, { domain, roomName, validUntil: later(120) }))).toBe('booking_exists');
  pass(60);
  expect(await bookings.get(owner, domain, roomName)).toBeNull();
  await bookings.add(owner, { domain, roomName, validUntil: later(60) });
});

it('updates and removes what is valid only', async () => {
  const { bookings, owner, domain, pass, in: later } = house();
  const update = (seconds: number) => bookings.update(owner, { domain, roomName, validUntil: later(seconds) });
  expect(await refusal(update(60))).toBe('booking_not_found');
  expect(await refusal(bookings.remove(owner, domain, roomName))).toBe('booking_not_found');
  await bookings.add(owner, { domain, roomName, validUntil: later(60) });
  await update(90);
  pass(89);
  expect(await bookings.list(owner, domain)).toHaveLength(1);
  pass(1);
  expect(await bookings.list(owner, domain)).toEqual([]);
  expect(await refusal(update(60))).toBe('booking_not_found');
  expect(await refusal(bookings.remove(owner, domain, roomName))).toBe('booking_not_found');
});

it('removes a valid one once', async () => {
  const { bookings, owner, domain, in: later } = house();
  await bookings.add(owner, { domain, roomName, validUntil: later(60) });
  await bookings.remove(owner, domain, roomName);
  expect(await refusal(bookings.remove(owner, domain, roomName))).toBe('booking_not_found');
});

it('tells of what becomes of bookings, each thing once', async () => {
  const { bookings, owner, domain, memory, pass, events, in: later } = house();
  const { id } = await bookings.add(owner, { domain, roomName, validUntil: later(60) });
  await bookings.update(owner, { domain, roomName, validUntil: later(90) });
  await refusal(bookings.add(owner, { domain, roomName, validUntil: later(90) }));
  await bookings.remove(owner, domain, roomName);
  await bookings.add(owner, { domain, roomName, validUntil: later(10) });
  await bookings.add(owner, { domain, roomName: named('other'), validUntil: later(10) });
  expect(await bookings.expire(pass(9))).toBe(0);
  expect(await bookings.expire(pass(1))).toBe(2);
  expect(await bookings.expire(pass(1))).toBe(0);
  expect(events()).toEqual([
    'booking.added room 1',
    'booking.updated room 2',
    'booking.removed room 3',
    'booking.added room 4',
    'booking.added other 1',
    'booking.expired room 5',
    'booking.expired other 2',
  ]);
  expect(memory.events()[1]).toMatchObject({
    domain,
    roomSessionId: null,
    payload: { id, validUntil: '2026-11-21T12:01:30.000Z' },
    occurredAt: new Date('2026-11-21T12:00:00Z'),
  });
  expect(memory.events()[5]?.occurredAt).toEqual(new Date('2026-11-21T12:00:10Z'));
});

it('tells that a booking expired also when the next one takes its place first', async () => {
  const { bookings, owner, domain, pass, events, in: later } = house();
  await bookings.add(owner, { domain, roomName, validUntil: later(1) });
  pass(2);
  await bookings.add(owner, { domain, roomName, validUntil: later(10) });
  expect(await bookings.expire(pass(0))).toBe(0);
  expect(events()).toEqual(['booking.added room 1', 'booking.expired room 2', 'booking.added room 3']);
});

it.each([
  ['no date', new Date('x')],
  ['a date that has passed', new Date('2026-11-21T12:00:00.000Z')],
  ['a date that is only a mistake in the unit', new Date('+010000-01-01T00:00:00Z')],
])('refuses %s', async (_, validUntil) => {
  const { bookings, owner, domain, in: later } = house();
  expect(await refusal(bookings.add(owner, { domain, roomName, validUntil }))).toBe('invalid_input');
  await bookings.add(owner, { domain, roomName, validUntil: later(1) });
  expect(await refusal(bookings.update(owner, { domain, roomName, validUntil }))).toBe('invalid_input');
});
