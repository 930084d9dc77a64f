import * as fc from 'fast-check';
import { connect } from 'node:net';
import { startTwoRegions, type TwoRegions } from './two-regions';

/** Writes bytes, says that no more will come, and waits until the other side has closed too. */
function send(port: number, ...parts: (string | Uint8Array)[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
      socket.end();
    });
    // Being cut off is an answer as well.
    socket.on('error', () => undefined).on('close', () => resolve());
    socket.resume();
  });
}

const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
const path = fc.constantFrom('/api/room', '/api/booking', '/api/webhook', '/join');

describe('arbitrary input at the front door', () => {
  let regions: TwoRegions;
  beforeAll(async () => {
    regions = await startTwoRegions({ times: { bodyMs: 3_000 } });
    regions.know('eu.example', { region: 'eu-1' });
  });
  afterAll(() => regions.close());
  afterEach(async () => {
    for (const { url } of [regions.eu, regions.us]) expect((await fetch(`${url}/ping`)).status).toBe(204);
  });

  it('as a connection does not bring it down', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, (sent) => send(regions.eu.port, sent)),
      { numRuns: 60 },
    );
  });

  it('on a joined socket does not bring it down', async () => {
    const upgrade = 'GET /spreed HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    const handshake = `${upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(handshake, upgrade), bytes, (head, sent) => send(regions.eu.port, head, sent)),
      { numRuns: 40 },
    );
  });

  it('as a body is passed on or refused, never an error of ours', async () => {
    const body = fc.oneof(
      bytes,
      fc.json().map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(path, body, async (target, sent) => {
        const answer = await fetch(`${regions.eu.url}${target}`, { method: 'POST', body: sent });
        await answer.json();
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 60 },
    );
  });
});
