import * as fc from 'fast-check';
import { InvalidInput } from '../http/problems';
import { cursors } from './cursors';

const anyPosition = fc.bigInt({ min: 0n, max: 10n ** 18n - 1n });

it('places come back as they were written', () => {
  fc.assert(
    fc.property(
      anyPosition,
      fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }),
      (position, createdAt) => {
        expect(cursors.position.read(cursors.position.write(position))).toBe(position);
        expect(cursors.delivery.read(cursors.delivery.write({ createdAt, position }))).toEqual({ createdAt, position });
      },
    ),
  );
});

it('anything else is refused, not believed', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      for (const kind of [cursors.position, cursors.delivery]) {
        try {
          kind.read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInput);
        }
      }
    }),
  );
  for (const text of ['', 'p.', 'p.-1', `p.${'9'.repeat(19)}`, 'p.1.2', ' p.1', 'd.1.1']) {
    expect(() => cursors.position.read(Buffer.from(text).toString('base64url'))).toThrow(InvalidInput);
  }
  expect(() => cursors.delivery.read(cursors.position.write(1n))).toThrow(InvalidInput);
});
