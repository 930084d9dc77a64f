import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type JsonObject } from '@parley/domain';
import { WebSocketServer, type WebSocket } from 'ws';
import { ScriptedSignalingClient, type Envelope } from './signaling-client';

type Answers = (message: Envelope & Record<string, JsonObject>, socket: WebSocket) => JsonObject[];

/** A gateway of a few lines: what it answers is part of the test. */
async function startGateway(answers: Answers): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: '/spreed' });
  sockets.on('connection', (socket) => {
    socket.send(JSON.stringify({ type: 'welcome', welcome: { version: '1', features: [] } }));
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as Envelope & Record<string, JsonObject>;
      for (const answer of answers(message, socket)) socket.send(JSON.stringify({ id: message.id, ...answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/spreed`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        server.close(() => resolve());
      }),
  };
}

const plainAnswers: Answers = (message, socket) => {
  if (message.type === 'hello') return [{ type: 'hello', hello: { sessionid: 's1', resumeid: 'r1', userid: '' } }];
  if (message.type === 'room') {
    const join = [{ sessionid: 's1' }, { sessionid: 's2' }];
    return [
      { type: 'room', room: message.room },
      { type: 'event', id: undefined, event: { target: 'room', type: 'join', join } },
    ];
  }
  if (message.type === 'bye') setImmediate(() => socket.close(1000));
  if (message.type === 'bye') return [{ type: 'bye' }];
  return [{ type: 'error', error: { code: 'invalid_format', message: 'no' } }];
};

describe('ScriptedSignalingClient', () => {
  let gateway: { url: string; close(): Promise<void> };
  let client: ScriptedSignalingClient;
  beforeEach(async () => {
    gateway = await startGateway(plainAnswers);
    client = await ScriptedSignalingClient.connect(gateway.url, { name: 'Ada' });
  });
  afterEach(async () => {
    await client.close();
    await gateway.close();
  });

  it('follows a script from welcome to bye', async () => {
    await client.expectNext('welcome');
    await client.hello({ authUrl: 'http://here', ticket: 't' });
    expect([client.sessionId, client.resumeId]).toEqual(['s1', 'r1']);
    expect((await client.join('room')).room).toEqual({ roomid: 'room' });
    await client.expectJoined('s1', 's2');
    await client.bye();
    expect(await client.expectClosed()).toBe('close 1000');
    await client.expectClosedForGood();
  });

  it('tells a broken connection from one that was closed for good', async () => {
    client.drop();
    await expect(client.expectClosedForGood()).rejects.toThrow(/Ada ended by close 1006, not close 1000/);
  });

  it('prints everything it received when the awaited does not come', async () => {
    await client.helloInternal({ secret: 'x', backend: 'http://here' });
    await expect(client.expect('event', 30)).rejects.toThrow(
      /Ada waited 30 ms in vain for "event".*2:\n {2}1\. {"type":"welcome".*\n {2}2\. .*"sessionid":"s1"/,
    );
  });

  it('fails at once, not at the timeout, when the connection is gone', async () => {
    client.drop();
    await expect(client.expect('event', 60_000)).rejects.toThrow(/no "event" before close 1006/);
  });

  it('notices what must not come, and its absence', async () => {
    await client.expectNothing('event');
    await client.join('room');
    await expect(client.expectNothing('event')).rejects.toThrow(/must not get "event" and got/);
  });

  it('refuses another order, and takes errors by their code', async () => {
    await expect(client.expectNext('hello')).rejects.toThrow(/expected "hello" next, not .*welcome/);
    client.message({ type: 'room' }, { any: 1 });
    await client.expectError('invalid_format');
  });

  it('throws the refusal of a hello', async () => {
    await gateway.close();
    gateway = await startGateway(() => [{ type: 'error', error: { code: 'invalid_token', message: 'no' } }]);
    client = await ScriptedSignalingClient.connect(gateway.url);
    await expect(client.hello({ authUrl: 'http://here', ticket: 't' })).rejects.toThrow(/refused: .*invalid_token/);
  });

  it('rejects with the status when the upgrade is refused', async () => {
    await expect(ScriptedSignalingClient.connect(`${gateway.url}/nowhere`)).rejects.toThrow(/status 400/);
  });
});
