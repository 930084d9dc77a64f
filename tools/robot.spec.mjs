import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import { callAtHome, toldElsewhere } from './home.mjs';

const opened = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** A region that answers calls and hellos as its test tells it. */
async function startRegion() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new WebSocketServer({ server });
  const { port } = server.address();
  const heard = new EventEmitter();
  const region = {
    url: `http://127.0.0.1:${port}`,
    socketUrl: `ws://127.0.0.1:${port}/spreed`,
    calls: [],
    heard,
    rest: () => ({ status: 404, body: {} }),
    hello: () => [],
    cut: () => sockets.clients.forEach((socket) => socket.terminate()),
  };
  const hear = (call) => {
    region.calls.push(call);
    heard.emit(call);
  };
  server.on('request', (request, response) => {
    const call = `${request.method} ${request.url}`;
    hear(call);
    const { status, body, headers } = region.rest(call);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
  sockets.on('connection', (socket) =>
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      hear(`frame ${frame.type}`);
      if (frame.type === 'hello') for (const answer of region.hello(frame)) socket.send(JSON.stringify(answer));
    }),
  );
  opened.push(async () => {
    region.cut();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return region;
}

/** `npm run robot` at this front door. */
async function runRobot(frontDoor) {
  const home = await mkdtemp(join(tmpdir(), 'parley-robot-'));
  const run = { url: frontDoor, domain: 'strict.example', account: { authId: 'demo', secret: 'secret' } };
  await writeFile(join(home, 'run.json'), JSON.stringify(run));
  const robot = spawn(process.execPath, [join(__dirname, 'robot.mjs')], {
    env: { ...process.env, PARLEY_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const looks = new Set();
  const look = (chunk = '') => {
    printed += chunk.toString();
    for (const each of [...looks]) each();
  };
  for (const stream of [robot.stdout, robot.stderr]) stream.on('data', look);
  const ended = once(robot, 'exit');
  opened.push(async () => {
    robot.kill('SIGKILL');
    await ended;
    await rm(home, { recursive: true, force: true });
  });
  return {
    ended,
    /** Waits until it said so; the test's time limit says when that is given up. */
    says: (line) =>
      new Promise((resolve, reject) => {
        const seen = () => {
          if (!printed.includes(line)) return;
          looks.delete(seen);
          resolve();
        };
        looks.add(seen);
        ended.then(() => reject(new Error(`it ended before it said "${line}":\n${printed}`)));
        seen();
      }),
    printed: () => printed,
  };
}

it('a robot goes home: where its domain is strictly resident, where its socket belongs, and no more when it is void', async () => {
  const [eu, us, gateway] = [await startRegion(), await startRegion(), await startRegion()];
  eu.rest = () => ({
    status: 421,
    body: { code: 'wrong_region', title: 'Elsewhere' },
    headers: { 'x-home-host': new URL(us.url).host },
  });
  let tickets = 0;
  us.rest = (call) => {
    if (call === 'POST /v1/robots') return { status: 201, body: { robotId: 1026, connectKey: 'rk_1' } };
    if (call === 'POST /v1/webhooks') return { status: 201, body: {} };
    tickets += 1;
    if (tickets > 1) return { status: 401, body: { code: 'unauthenticated', title: 'Who are you?' } };
    return { status: 200, body: { ticket: 'the-ticket', authUrl: us.url, url: us.socketUrl } };
  };
  const details = { region: 'ap-1', url: gateway.socketUrl };
  const said = [];
  us.hello = ({ id, hello }) => {
    said.push(hello);
    return [{ id, type: 'error', error: { code: 'wrong_region', details } }];
  };
  const deliver = { id: 'dlv_1', event: 'roomCreated', domain: 'strict.example', roomName: 'a', seq: 1 };
  gateway.hello = ({ id, hello }) => {
    said.push(hello);
    return [
      { id, type: 'hello', hello: { sessionid: 's', resumeid: 'r' } },
      { type: 'event', event: { target: 'webhook', type: 'deliver', deliver } },
    ];
  };
  const acknowledged = once(gateway.heard, 'frame ack');
  const robot = await runRobot(eu.url);
  await robot.says(`its home is at ${gateway.socketUrl}`);
  await robot.says('roomCreated  strict.example/a');
  await acknowledged;
  expect(us.calls).toEqual(['POST /v1/robots', 'POST /v1/webhooks', 'POST /v1/robots/1026/tickets', 'frame hello']);
  // With the very same ticket.
  expect(said[0]).toEqual(said[1]);
  gateway.cut();
  const [code] = await robot.ended;
  expect([code, robot.printed()]).toEqual([1, expect.stringContaining('The robot is not let in any more')]);
}, 60_000);

it('who is turned away is not sent round for ever, and follows nobody who names no home', async () => {
  const asked = [];
  const misdirected = (home) => async (base) => {
    asked.push(base);
    return { status: 421, headers: new Map(home === undefined ? [] : [['x-home-host', home]]) };
  };
  expect((await callAtHome('https://eu.test', misdirected('us.test'))).status).toBe(421);
  expect((await callAtHome('https://eu.test', misdirected(undefined))).status).toBe(421);
  expect(asked).toEqual(['https://eu.test', 'https://us.test', 'https://eu.test']);
  expect(
    toldElsewhere({ type: 'error', error: { code: 'wrong_region', details: { region: 'us-1' } } }),
  ).toBeUndefined();
  expect(toldElsewhere({ type: 'error', error: { code: 'ticket_used', details: { url: 'wss://x' } } })).toBeUndefined();
});
