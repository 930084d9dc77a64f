import fc from 'fast-check';
import { decodeFrame, decodeSeq, encodeSeq, normalizeBackendUrl, type Position } from '../src';
import { rawMember } from '../src/raw-member';

describe('codec', () => {
  test('never throws, whatever comes', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => void decodeFrame(text)));
  });

  test('hands data on exactly as it was written', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t '), fc.boolean(), (data, space, escaped) => {
        const key = escaped ? '"d\\u0061ta"' : '"data"';
        const text = `{${space}"type":"message","x":[{"data":1}],"message":${space}{"recipient":{"type":"room"},${space}${key}:${space}${data}${space}}${space}}`;
        const decoded = decodeFrame(text);
        expect(decoded).toMatchObject({ ok: true, value: { raw: data.trim() } });
      }),
    );
  });

  test('takes data as deep as anybody needs, and nothing that could exhaust the stack', () => {
    const frame = (depth: number, text = '') =>
      `{"type":"message","message":{"recipient":{"type":"room"},"data":${'['.repeat(depth)}${text}${']'.repeat(depth)}}}`;
    expect(decodeFrame(frame(60))).toMatchObject({ ok: true });
    expect(decodeFrame(frame(60, '"[[[[[{{{{{\\"[[[[["'))).toMatchObject({ ok: true });
    for (const depth of [63, 20_000]) {
      expect(decodeFrame(frame(depth))).toMatchObject({ ok: false, error: { code: 'invalid_format' } });
    }
  });

  test('of repeated keys the last counts, as for JSON.parse', () => {
    expect(rawMember('{"a":{"b":1,"b":2}, "a":{"b": [3, "]"] }}', ['a', 'b'])).toBe('[3, "]"]');
    expect(rawMember('{"a":1}', ['b'])).toBeUndefined();
    expect(rawMember('[]', ['b'])).toBeUndefined();
  });
});

describe('backend URLs', () => {
  test('lose the API path, default port and query', () => {
    expect(normalizeBackendUrl('https://cloud.test:443/nc/ocs/v2.php/apps/spreed/api/v3/signaling/backend?x')).toBe(
      'https://cloud.test/nc/',
    );
    expect(normalizeBackendUrl('http://cloud.test:8080')).toBe('http://cloud.test:8080/');
    expect(normalizeBackendUrl('ftp://cloud.test/')).toBeUndefined();
    expect(normalizeBackendUrl('//cloud.test/')).toBeUndefined();
    expect(normalizeBackendUrl('https://user@cloud.test/')).toBeUndefined();
  });
});

describe('message-seq', () => {
  const room = fc.record({
    id: fc.string({ minLength: 1 }),
    generation: fc.stringMatching(/^[a-z0-9]{1,20}$/),
    seq: fc.nat(),
  });
  const position = fc.record({ session: fc.nat(), room }, { requiredKeys: ['session'] });

  test('a seq leads back to its position', () => {
    fc.assert(
      fc.property(position, (given) => {
        expect(decodeSeq(encodeSeq(given as Position))).toEqual(given);
      }),
    );
  });

  test('anything else is refused', () => {
    for (const text of ['', '2~1', '1', '1~-1', '1~x', '1~1~2', '1~1~2~g', `1~1~2~g~${'x'.repeat(600)}`]) {
      expect(decodeSeq(text)).toBeUndefined();
    }
  });
});
