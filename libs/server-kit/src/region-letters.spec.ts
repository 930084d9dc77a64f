import { RegionLetters } from './region-letters';

const SECRET = 'an-internal-secret-of-32-characters!';
const PATH = '/internal/accounts/a';
const NOW = new Date('2026-11-21T12:00:00Z');
const body = { secret: 'a-very-secret-secret', rows: ['x'] };

test('a letter opens at the path it was sent to, with the same secret, in time', () => {
  const letters = new RegionLetters(SECRET);
  const letter = letters.seal(PATH, body, NOW);
  expect(letters.open(PATH, letter, new Date(NOW.getTime() + 10 * 60_000))).toEqual({ body });
  expect(letters.open('/internal/accounts/b', letter, NOW)).toBeUndefined();
  expect(letters.open(PATH, letter, new Date(NOW.getTime() + 16 * 60_000))).toBeUndefined();
  expect(new RegionLetters('another-secret-of-32-characters-000!').open(PATH, letter, NOW)).toBeUndefined();
  expect(letter.includes('a-very-secret-secret')).toBe(false);
});

test('a letter that was changed, cut or is none opens nowhere', () => {
  const letters = new RegionLetters(SECRET);
  const letter = letters.seal(PATH, body, NOW);
  for (let at = 0; at < letter.length; at += 1) {
    const changed = Buffer.from(letter);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(letters.open(PATH, changed, NOW)).toBeUndefined();
    expect(letters.open(PATH, letter.subarray(0, at), NOW)).toBeUndefined();
  }
});

test('while the secret is rotated both open, and the first seals', () => {
  const both = new RegionLetters(`the-new-secret-of-32-characters-000!,${SECRET}`);
  expect(both.open(PATH, new RegionLetters(SECRET).seal(PATH, body, NOW), NOW)).toEqual({ body });
  expect(new RegionLetters(SECRET).open(PATH, both.seal(PATH, body, NOW), NOW)).toBeUndefined();
});
