import {
  cloudOf,
  federationFrames,
  isDisinvitation,
  readRemoteFrame,
  remoteError,
  remoteSocketUrl,
  withoutSeq,
} from '../src';

describe('the dialogue with the other cluster', () => {
  test('clouds by their address, gateways by the URL of their signaling', () => {
    expect(cloudOf('https://near.test/nc/')).toBe('near.test/nc');
    expect(remoteSocketUrl('https://other.test/signaling')).toBe('wss://other.test/signaling/spreed');
    expect(remoteSocketUrl('http://other.test:81/')).toBe('ws://other.test:81/spreed');
    expect(remoteSocketUrl('wss://other.test')).toBe('wss://other.test/spreed');
    for (const bad of ['ftp://x/', 'https://user:pw@x/', 'nothing']) expect(remoteSocketUrl(bad)).toBeUndefined();
  });

  test('a hello asks for numbers of frames if the other cluster has them, whatever the client wants', () => {
    const to = { url: 'https://far.test/', token: 't' };
    const hello = (features: string[], counts: boolean) =>
      JSON.parse(federationFrames.hello('1', to, features, counts)) as { hello: object };
    expect(hello(['chat-relay'], true).hello).toMatchObject({ features: ['chat-relay', 'message-seq'] });
    expect(hello(['chat-relay', 'message-seq'], false)).toEqual({
      id: '1',
      type: 'hello',
      hello: {
        version: '2.0',
        features: ['chat-relay'],
        auth: { type: 'federation', url: 'https://far.test/', params: { token: 't' } },
      },
    });
  });

  test('numbers of frames are the gateways’ own', () => {
    const [text, seq] = ['{"type":"message","message":{"data":"\\u00e4 \\/","n":1.0}}', '1~7~"'];
    const counted = `${text.slice(0, -1)},"seq":${JSON.stringify(seq)}}`;
    expect(readRemoteFrame(counted)?.seq).toBe(seq);
    expect(withoutSeq(counted, seq)).toBe(text);
    expect(withoutSeq(text, undefined)).toBe(text);
    expect(withoutSeq('{"seq":"7","type":"novelty"}', '7')).toBe('{"type":"novelty"}');
    expect(JSON.parse(federationFrames.resume('1', 'r', '7'))).toMatchObject({
      hello: { resumeid: 'r', lastSeq: '7' },
    });
  });

  test('refusals are passed on within limits', () => {
    const frame = readRemoteFrame(
      JSON.stringify({ type: 'error', error: { code: 'c'.repeat(99), message: 'm'.repeat(9_999), details: { a: 1 } } }),
    );
    if (frame === undefined) throw new Error('it was not read');
    const error = remoteError(frame);
    expect([error.code.length, error.message.length, error.details]).toEqual([64, 1_024, { a: 1 }]);
  });

  test('what is nested too deep to be written again is no frame', () => {
    const nested = (depth: number) => `{"type":"event","event":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(readRemoteFrame(nested(60))).toBeDefined();
    expect(readRemoteFrame(nested(10_000))).toBeUndefined();
  });

  test('only the end of the invitation to this room throws out of it', () => {
    const of = (roomid: string, type = 'disinvite') =>
      JSON.stringify({ type: 'event', event: { target: 'roomlist', type, [type]: { roomid } } });
    expect(isDisinvitation(of('there'), 'there')).toBe(true);
    expect(isDisinvitation(of('elsewhere'), 'there')).toBe(false);
    expect(isDisinvitation(of('there', 'invite'), 'there')).toBe(false);
  });
});
