import { exchange } from './fake-services';
import { seenBy, startTwoRegions, type TwoRegions } from './two-regions';

describe('a request hidden in the body of another one', () => {
  let regions: TwoRegions;
  beforeEach(async () => (regions = await startTwoRegions()));
  afterEach(() => regions.close());

  const hidden = 'POST /join HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 2\r\n\r\n{}';
  const chunked = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
  const inChunks = ['Connection: close\r\nTransfer-Encoding: chunked', chunked] as const;
  const struckOut = [`Connection: close, content-length\r\nContent-Length: ${hidden.length}`, hidden] as const;

  it.each(
    ['GET', 'DELETE', 'OPTIONS', 'PUT'].flatMap((method) => [
      [method, '/docs', 'chunked', inChunks] as const,
      [method, '/api/v1/welcome', 'with its length struck out', struckOut] as const,
    ]),
  )('stays a body: %s %s, %s', async (method, target, _how, [headers, body]) => {
    const { eu } = regions;
    const answer = await exchange(eu.port, `${method} ${target} HTTP/1.1\r\nHost: front\r\n${headers}\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(seenBy(eu).map((seen) => [seen.method, seen.target, seen.body])).toEqual([[method, target, hidden]]);
  });
});
