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
