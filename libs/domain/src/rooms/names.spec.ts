import { parseDomainName, parsePassword, parseRoomName, parseRoomPath } from './names';

describe('parseRoomPath', () => {
  it.each([
    ['chat.org/my-room', 'chat.org', 'my-room'],
    ['Chat.ORG/My-Room', 'chat.org', 'My-Room'],
    ['localhost/ä ü 会议 🎉', 'localhost', 'ä ü 会议 🎉'],
    ['1.2.3.4/0', '1.2.3.4', '0'],
  ])('takes %j apart', (path, domain, name) => {
    expect(parseRoomPath(path)).toEqual({ ok: true, value: { domain, name } });
  });

  it.each(['', 'room', '/', 'chat.org/', '/room', 'chat.org/a/b', 'chat.org//b', ' chat.org/a', 'a..b/r', '-a.b/r'])(
    'refuses %j with a sentence',
    (path) => {
      const parsed = parseRoomPath(path);
      expect(parsed.ok ? parsed.value : parsed.error).toMatch(/^[A-Z].*\.$/);
    },
  );
});

describe('limits', () => {
  it('count characters, not UTF-16 units', () => {
    expect(parseRoomName('🎉'.repeat(128)).ok).toBe(true);
    expect(parseRoomName('🎉'.repeat(129)).ok).toBe(false);
    expect(parsePassword('🎉'.repeat(128)).ok).toBe(true);
    expect(parsePassword('x'.repeat(129)).ok).toBe(false);
    expect(parsePassword('').ok).toBe(false);
  });

  it('hold for domains and their labels', () => {
    const label = 'a'.repeat(63);
    expect(parseDomainName([label, label, label, 'a'.repeat(61)].join('.')).ok).toBe(true);
    expect(parseDomainName([label, label, label, 'a'.repeat(62)].join('.')).ok).toBe(false);
    expect(parseDomainName(`${label}a.org`).ok).toBe(false);
  });

  it.each(['a\0b', 'a\nb', '\u0085', 'a\u2028b', '\ud800', 'x\udc00y'])('refuse %j anywhere', (text) => {
    expect([parseRoomName(text).ok, parsePassword(text).ok, parseDomainName(text).ok]).toEqual([false, false, false]);
  });

  it('refuse a name that only looks like another', () => {
    for (const name of [' room', 'room ', '\u00a0room', ' ']) expect(parseRoomName(name).ok).toBe(false);
    expect(parsePassword(' p ')).toEqual({ ok: true, value: ' p ' });
  });
});
