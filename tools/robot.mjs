/** A robot in a terminal: connects to the gateway, prints what webhooks of type `robot` hand it, and acknowledges it. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { callAtHome, toldElsewhere } from './home.mjs';
import { readCommandLine, readRunFile, stop } from './running.mjs';

const HELP = `npm run robot -- [options]

  Without options it makes a robot with a webhook in the demo domain, and removes both when it ends.

  --events LIST       what the webhook listens to, separated by commas (default: roomCreated,roomRemoved,peerJoined,peerLeft)
  --fifo              a room's events one after the other
  --robot ID          an existing robot, with its connect key in the environment variable CONNECT_KEY
  --silent            acknowledges nothing: everything comes again after 30 s
  --help              this text`;

const { values } = readCommandLine('npm run robot', HELP, {
  options: {
    events: { type: 'string', default: 'roomCreated,roomRemoved,peerJoined,peerLeft' },
    fifo: { type: 'boolean', default: false },
    robot: { type: 'string' },
    silent: { type: 'boolean', default: false },
  },
});

const run = await readRunFile();
// Imported late: before the first `npm start` it is not installed, and readRunFile says so better.
const { WebSocket } = await import('ws');
const TRY_AGAIN_MS = 2_000;

async function answerOf(response) {
  const text = await response.text();
  const answer = text === '' ? {} : JSON.parse(text);
  if (response.ok) return answer;
  const issues = (answer.issues ?? []).map(({ path, message }) => ` ${path}: ${message}.`).join('');
  const error = new Error(`${answer.detail ?? answer.title}${issues} (${answer.code})`);
  throw Object.assign(error, { status: response.status });
}

/** A call of the demo account, signed with its secret. */
async function call(method, path, data) {
  const body = data === undefined ? '' : JSON.stringify(data);
  const send = (base) => fetch(base + path, { method, headers: signed(method, path, body), ...(body && { body }) });
  return answerOf(await callAtHome(run.url, send));
}

function signed(method, path, body) {
  const random = randomBytes(32).toString('hex');
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const text = [method, path, timestamp, random, createHash('sha256').update(body).digest('hex')].join('\n');
  return {
    'x-api-version': '2',
    'x-auth-id': run.account.authId,
    'x-random': random,
    'x-timestamp': timestamp,
    'x-signature': createHmac('sha256', run.account.secret).update(text).digest('hex'),
    'x-parley-domain': run.domain,
  };
}

async function make() {
  if (values.robot !== undefined) {
    const connectKey =
      process.env.CONNECT_KEY ?? stop('Put its connect key into the environment variable CONNECT_KEY.');
    return { robotId: values.robot, connectKey };
  }
  const made = await call('POST', '/v1/robots', { domain: run.domain, name: 'npm run robot' });
  const events = values.events.split(',').map((name) => name.trim());
  const order = values.fifo ? 'fifo' : 'unordered';
  try {
    await call('POST', '/v1/webhooks', { domain: run.domain, type: 'robot', robotId: made.robotId, events, order });
  } catch (error) {
    await call('DELETE', `/v1/robots/${made.robotId}`);
    throw error;
  }
  return made;
}

const robot = await make().catch((error) => stop(`The robot could not be made at ${run.url}: ${error.message}`));

async function askForTicket() {
  const headers = { authorization: `Bearer ${robot.connectKey}`, 'x-parley-domain': run.domain };
  const path = `/v1/robots/${robot.robotId}/tickets`;
  return answerOf(await callAtHome(run.url, (base) => fetch(base + path, { method: 'POST', headers })));
}

function show({ event, domain, roomName, seq, options, changes, peer, booking, alert }) {
  const time = new Date().toISOString().slice(11, 19);
  const what = options ?? changes ?? peer ?? booking ?? alert;
  const room = roomName === undefined ? domain : `${domain}/${roomName}`;
  console.log(`${time}  ${event}  ${room}  #${seq}  ${what ? JSON.stringify(what) : ''}`);
}

/** What each kind of message from the server does; others are of no interest to a robot. */
const handlers = {
  hello: () => console.log(`robot ${robot.robotId} is connected (Ctrl-C ends it)`),
  event: (socket, { event }) => {
    if (event.target !== 'webhook' || event.type !== 'deliver') return;
    show(event.deliver);
    if (!values.silent) socket.send(JSON.stringify({ type: 'ack', ack: { id: event.deliver.id } }));
  },
  // Its domain may have moved: where it is now, it gets another ticket, or hears that there is none for it any more.
  bye: (_socket, { bye }) => console.log(`the server says bye: ${bye?.reason ?? 'no reason given'}`),
  error: (_socket, { error }) => stop(`${error.message ?? error.code} (${error.code})`),
};

/** Connects, and again whenever the connection breaks: what was not acknowledged comes again. */
async function connect() {
  const ticket = await askForTicket();
  open(ticket, ticket.url, true);
}

/** @param mayFollow whether it goes where it is sent when this is the wrong region; the ticket is not used up by that */
function open(ticket, url, mayFollow) {
  const socket = new WebSocket(url);
  socket.on('open', () => {
    const auth = { url: ticket.authUrl, params: { token: ticket.ticket } };
    socket.send(JSON.stringify({ id: 'hello', type: 'hello', hello: { version: '2.0', auth } }));
  });
  socket.on('message', (frame) => {
    const message = JSON.parse(frame.toString());
    const home = mayFollow ? toldElsewhere(message) : undefined;
    if (home === undefined) return handlers[message.type]?.(socket, message);
    console.log(`its home is at ${home}`);
    socket.removeAllListeners('close');
    socket.close();
    open(ticket, home, false);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => again());
}

function again(error) {
  if (error?.status === 401) stop(`The robot is not let in any more: ${error.message}`);
  const why = error instanceof Error ? ` (${error.message})` : '';
  console.log(`not connected${why}; again in ${TRY_AGAIN_MS / 1_000} s`);
  setTimeout(() => connect().catch(again), TRY_AGAIN_MS);
}

process.once('SIGINT', () => {
  if (values.robot !== undefined) process.exit(0);
  call('DELETE', `/v1/robots/${robot.robotId}`).finally(() => process.exit(0));
});

await connect().catch((error) => stop(`The robot got no ticket: ${error.message}`));
