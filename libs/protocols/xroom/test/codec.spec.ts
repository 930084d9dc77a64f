import * as fc from 'fast-check';
import { COLLECTIONS, classify, decodeEnvelope, decodeRequest, MAX_BODY_BYTES, toDomain } from '../src';
import { nestsDeeperThan } from '../src/json-depth';

const collections = fc.constantFrom(...COLLECTIONS);
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Reads a body to the end of what the package does with it. */
function readAll(collection: (typeof COLLECTIONS)[number], body: Uint8Array): void {
  classify(collection, body);
  decodeEnvelope(body);
  const request = decodeRequest(collection, body);
  if (request.ok) toDomain(request.value);
}

describe('the reader never throws', () => {
  it('on arbitrary bytes', () => {
    fc.assert(fc.property(collections, fc.uint8Array({ maxLength: 500 }), readAll));
  });

  it('on arbitrary JSON', () => {
    fc.assert(fc.property(collections, fc.jsonValue({ maxDepth: 20 }), (at, value) => readAll(at, bytes(value))));
  });

  it('on real calls with arbitrary data', () => {
    const method = fc.constantFrom(
      'init',
      'destroy',
      'kickOut',
      'setLock',
      'setPassword',
      'list',
      'add',
      'get',
      'validate',
    );
    const field = fc.constantFrom(
      'id',
      'type',
      'key',
      'lock',
      'domain',
      'roomName',
      'validUntil',
      'url',
      'peerId',
      '__proto__',
    );
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('a.example/b', 'a.example', '2030-01-01T00:00:00Z', 1e308));
    const call = fc.record({ method, data: fc.dictionary(field, value) });
    fc.assert(fc.property(collections, call, (at, request) => readAll(at, bytes(request))));
  });

  it('on real calls cut off anywhere', () => {
    const whole = bytes({ method: 'init', data: { id: 'chat.example/räum', key: 'schlüssel' } });
    for (let length = 0; length < whole.length; length += 1) {
      expect(decodeRequest('room', whole.subarray(0, length))).toMatchObject({
        ok: false,
        error: { code: 'unreadable' },
      });
    }
  });
});

describe('limits', () => {
  it('refuses a body over 64 KiB', () => {
    const body = bytes({ method: 'list', pad: 'x'.repeat(MAX_BODY_BYTES) });
    expect(decodeRequest('room', body)).toMatchObject({ ok: false, error: { code: 'too_large' } });
  });

  it('refuses hostile nesting', () => {
    const body = Buffer.from(`{"method":"list","data":{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`);
    expect(decodeRequest('room', body)).toMatchObject({ ok: false, error: { code: 'unreadable' } });
  });

  it('counts nesting as JSON does', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 10 }), (value, limit) => {
        expect(nestsDeeperThan(bytes(value), limit)).toBe(depthOf(JSON.parse(JSON.stringify(value))) > limit);
      }),
    );
  });

  it('refuses text that is not UTF-8 and text that cannot be stored', () => {
    const invalid = Buffer.concat([
      Buffer.from('{"method":"list","data":{"domain":"'),
      Buffer.of(0xff),
      Buffer.from('"}}'),
    ]);
    expect(decodeRequest('room', invalid)).toMatchObject({ error: { code: 'unreadable' } });
    const halfPair = Buffer.from('{"method":"init","data":{"id":"a.example/b","key":"\\ud800"}}');
    expect(decodeRequest('room', halfPair)).toMatchObject({
      error: { code: 'refused', message: expect.stringContaining('key') as string },
    });
  });
});

describe('habits of the public wrappers', () => {
  const listed = { ok: true, value: { call: 'room/list', data: {} } };

  it('node: data is absent when no payload was given', () => {
    expect(decodeRequest('room', Buffer.from('{"method":"list"}'))).toEqual(listed);
  });

  it('PHP: data is null by default', () => {
    expect(decodeRequest('room', Buffer.from('{"method":"list","data":null}'))).toEqual(listed);
  });

  it('C#: data is {} by default', () => {
    expect(decodeRequest('room', Buffer.from('{"method":"list","data":{}}'))).toEqual(listed);
  });

  it('node: a Content-Length in characters cuts a non-ASCII body off, and the refusal says why', () => {
    const text = '{"method":"init","data":{"id":"chat.example/bücher-für-größen"}}';
    const cut = Buffer.from(text).subarray(0, text.length);
    expect(decodeRequest('room', cut)).toMatchObject({
      error: { message: expect.stringContaining('Content-Length') as string },
    });
  });

  it('Java: a byte order mark before the text passes', () => {
    expect(decodeRequest('room', Buffer.from('\ufeff{"method":"list"}'))).toEqual(listed);
  });
});
