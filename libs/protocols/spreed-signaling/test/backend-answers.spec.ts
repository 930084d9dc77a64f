import { readAuthAnswer, readRoomAnswer } from '../src';

const auth = (user: string) =>
  `{"ocs":{"data":{"type":"auth","auth":{"version":"1.0","userid":"ada","user":${user}}}}}`;
const room = (properties: string) => `{"type":"room","room":{"version":"1.0","properties":${properties}}}`;
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const long = (length: number) => JSON.stringify({ displayname: 'x'.repeat(length) });

describe('what a backend says of people and rooms is told to every member, so it is', () => {
  it('not longer than a frame', () => {
    for (const [read, wrap] of [[readAuthAnswer, auth] as const, [readRoomAnswer, room] as const]) {
      expect(read(wrap(long(60_000))).ok).toBe(true);
      expect(read(wrap(long(66_000)))).toMatchObject({ ok: false, error: { code: 'internal_error' } });
    }
  });

  it('not nested so deep that it cannot be written again', () => {
    expect(readRoomAnswer(room(nested(60))).ok).toBe(true);
    expect(readRoomAnswer(room(nested(65)))).toMatchObject({ ok: false, error: { code: 'internal_error' } });
    expect(readAuthAnswer(auth(nested(5_000)))).toMatchObject({ ok: false, error: { code: 'internal_error' } });
  });
});
