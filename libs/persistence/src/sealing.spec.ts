import fc from 'fast-check';
import { parseMasterKeys, SealBroken, Sealer } from './sealing';

const base64 = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const OLD = `old:${base64(1)}`;
const NEW = `new:${base64(2)}`;
const place = { table: 'Room', row: 'rs_1', column: 'password' };
const sealer = (keys: string): Sealer => new Sealer(parseMasterKeys(keys));

it('opens what it sealed, and never seals the same text alike', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (secret) => {
      const one = sealer(NEW).seal(place, secret);
      expect(one).toMatch(/^new:[A-Za-z0-9+/]+=*$/);
      expect(one).not.toBe(sealer(NEW).seal(place, secret));
      expect(sealer(NEW).open(place, one)).toBe(secret);
    }),
  );
});

it('does not open in another table, row or column', () => {
  const sealed = sealer(NEW).seal(place, 'secret');
  for (const other of [
    { ...place, table: 'Account' },
    { ...place, row: 'rs_2' },
    { ...place, column: 'hostKey' },
  ]) {
    expect(() => sealer(NEW).open(other, sealed)).toThrow(SealBroken);
  }
});

it('does not open when any byte was changed or cut off', () => {
  const bytes = Buffer.from(sealer(NEW).seal(place, 'secret').slice(4), 'base64');
  for (let n = 0; n < bytes.length; n += 1) {
    const changed = Buffer.from(bytes);
    changed[n] = changed[n]! ^ 1;
    expect(() => sealer(NEW).open(place, `new:${changed.toString('base64')}`)).toThrow(SealBroken);
    expect(() => sealer(NEW).open(place, `new:${bytes.subarray(0, n).toString('base64')}`)).toThrow(SealBroken);
  }
});

it('rotates: the first key seals, the others open', () => {
  const before = sealer(OLD).seal(place, 'secret');
  const rotated = sealer(`${NEW}, ${OLD}`);
  expect(rotated.open(place, before)).toBe('secret');
  expect(rotated.isCurrent(before)).toBe(false);
  const after = rotated.seal(place, 'secret');
  expect(rotated.isCurrent(after)).toBe(true);
  expect(sealer(NEW).open(place, after)).toBe('secret');
  expect(() => sealer(NEW).open(place, before)).toThrow('there is no master key "old"');
});

it.each(['', ',', 'k1', `k1:${base64(1).slice(4)}`, `:${base64(1)}`, `a b:${base64(1)}`, `${OLD},${OLD}`])(
  'refuses the keys %j without showing them',
  (text) => {
    expect(() => parseMasterKeys(text)).toThrow(/master key/);
    try {
      parseMasterKeys(text);
    } catch (error) {
      expect(String(error)).not.toContain(base64(1).slice(4, 20));
    }
  },
);
