import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { eventually } from '@parley/testing';
import { WebSocket, WebSocketServer } from 'ws';
import { WsTransport } from './ws-transport';

interface Seen {
  readonly pings: string[];
  closed: boolean;
  transport: WsTransport | undefined;
}

describe('a WebSocket', () => {
  let server: WebSocketServer;
  const clients: WebSocket[] = [];
  beforeAll(async () => {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
  });
  afterAll(() => {
    for (const client of clients) client.terminate();
    server.close();
  });

  /** A client and how often it was asked whether it is there. */
  async function connect(autoPong: boolean, deadAfterMs = 400) {
    const seen: Seen = { pings: [], closed: false, transport: undefined };
    server.once('connection', (socket, request) => {
      const events = { text: () => undefined, binary: () => undefined, closed: () => (seen.closed = true) };
      seen.transport = new WsTransport(socket, request.socket, '192.0.2.1', events, {
        pingEveryMs: 40,
        deadAfterMs,
      });
    });
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong });
    clients.push(client);
    client.on('ping', (payload: Buffer) => seen.pings.push(payload.toString()));
    await once(client, 'open');
    return seen;
  }

  test('cuts who asks on and on and reads none of the answers', async () => {
    const seen = await connect(true, 60_000);
    const client = clients.at(-1);
    client?.pause();
    const payload = Buffer.alloc(125);
    for (let sent = 0; !seen.closed && sent < 200_000; sent += 1_000) {
      for (let n = 0; n < 1_000; n += 1) client?.ping(payload);
      await new Promise(setImmediate);
    }
    await eventually(() => seen.closed, 'the end of the connection');
  });

  test('asks at once and again and again whether its client is there; the question is the time in nanoseconds', async () => {
    const seen = await connect(true);
    await eventually(
      () => seen.pings.length > 15,
      () => `sixteen pings, not ${seen.pings.length}`,
    );
    expect(seen.closed).toBe(false);
    for (const payload of seen.pings) expect(Math.abs(Number(payload) / 1e6 - Date.now())).toBeLessThan(10_000);
  });

  test('is cut when its client shows no sign of life', async () => {
    const seen = await connect(false);
    await eventually(() => seen.closed, 'the end of the connection');
    expect(seen.pings.length).toBeGreaterThan(1);
  });

  test('that is closed needs no time to be closed again', async () => {
    const seen = await connect(true);
    clients.at(-1)?.terminate();
    await eventually(() => seen.closed, 'the end of the connection');
    const timers = jest.spyOn(globalThis, 'setTimeout');
    seen.transport?.close(1000);
    expect(timers).not.toHaveBeenCalled();
    timers.mockRestore();
  });
});
