import * as fc from 'fast-check';
import { classify, decodeRequest, readJson } from '../src';

const read = (text: string) => readJson(Buffer.from(text), 16);

describe('the one reader of JSON bodies', () => {
  it.each([
    '{"method":"init","data":{"id":"a.example/r","id":"b.example/r"}}',
    '{"method":"init","data":{"id":"a.example/r","\\u0069d":"b.example/r"}}',
    '{"method":"init","data":{"id":"a.example/r"},"data":{"id":"b.example/r"}}',
    '{"a":[{"x" \n:\t1, "x":2}]}',
    '{"__proto__":1,"__proto__":2}',
  ])('refuses a member that is named twice: %s', (text) => {
    expect(read(text)).toEqual({ ok: false, error: 'duplicate_key' });
    expect(classify('room', Buffer.from(text))).toEqual({ kind: 'unknown' });
    expect(decodeRequest('room', Buffer.from(text))).toMatchObject({ ok: false, error: { code: 'unreadable' } });
  });

  it.each([
    '{"a":"a","b":{"a":"b"},"c":[{"a":1},{"a":1}]}',
    '{"a":"\\"a\\":","b":"a"}',
    '["a","a","a:","a"]',
    '"a"',
    '{"a":"x","A":"x"}',
  ])('takes names that only look alike: %s', (text) => {
    const value: unknown = JSON.parse(text);
    expect(read(text)).toEqual({ ok: true, value });
  });

  it('reads all that JSON can say, and nothing that names a member twice', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = JSON.parse(text) as unknown;
        // What is written out anew names every member once.
        expect(readJson(Buffer.from(JSON.stringify(value)), 1_000)).toEqual({ ok: true, value });
        expect(read(`{"x":1,"y":${text},"x":2}`).ok).toBe(false);
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof readJson(bytes, 16).ok === 'boolean'));
  });
});
