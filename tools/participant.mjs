/** A participant in a terminal: joins a room, shows who comes and goes, sends what you type to everybody in the room. */
import { createInterface } from 'node:readline';
import { callAtHome, toldElsewhere } from './home.mjs';
import { readCommandLine, readRunFile, stop } from './running.mjs';

const HELP = `npm run join -- [room] [options]

  room                the room to join, opened if need be (default demo.localhost/my-room)
  --name NAME         what the others call you (default guest)
  --gateway N         connect straight to the Nth gateway instead of letting the front door choose one
  --password TEXT     the room's password
  --host-key KEY      enter as the host
  --help              this text`;

const { values, positionals } = readCommandLine('npm run join', HELP, {
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'guest' },
    'host-key': { type: 'string' },
    password: { type: 'string' },
    gateway: { type: 'string' },
  },
});

const run = await readRunFile();
// Imported late: before the first `npm start` it is not installed, and readRunFile says so better.
const { WebSocket } = await import('ws');
const room = positionals[0] ?? `${run.domain}/my-room`;

async function askForTicket() {
  const body = JSON.stringify({
    room,
    displayName: values.name,
    ...(values['host-key'] && { hostKey: values['host-key'] }),
    ...(values.password && { password: values.password }),
  });
  const headers = { 'content-type': 'application/json' };
  const send = (base) => fetch(`${base}/join`, { method: 'POST', headers, body });
  const response = await callAtHome(run.url, send).catch(() =>
    stop(`Nothing answers at ${run.url}: is "npm start" still running?`),
  );
  const answer = await response.json();
  if (answer.code === 'domain_moving') {
    console.log('* the domain is moving to another region; asking again');
    await pause(Number(response.headers.get('retry-after') ?? 1) * 1_000);
    return askForTicket();
  }
  if (!response.ok) stop(`${room}: ${answer.detail ?? answer.title} (${answer.code})`);
  return answer;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function signalingUrl(ticket) {
  if (values.gateway === undefined) return ticket.signalingUrl;
  const gateways = run.regions[0].signaling;
  const choices = gateways.map((_url, index) => index + 1).join(', ');
  return gateways[Number(values.gateway) - 1] ?? stop(`There is no gateway ${values.gateway}: choose from ${choices}.`);
}

const names = new Map();
const nameOf = (sessionid) => names.get(sessionid) ?? `${sessionid.slice(0, 8)}…`;

function showJoin(entries) {
  for (const entry of entries) {
    names.set(entry.sessionid, entry.user?.displayname ?? entry.userid);
    console.log(`* ${nameOf(entry.sessionid)} is in the room`);
  }
}

/** The region in which the room was said to go on, until this participant is on the way there. */
let goesOnIn;
/** Before somebody who follows a room asks for a ticket: the domain is just on its way. */
const FOLLOW_AFTER_MS = 2_000;

async function follow() {
  socket.close();
  await pause(FOLLOW_AFTER_MS);
  ticket = await askForTicket();
  names.clear();
  socket = connect(ticket.signalingUrl);
}

/** What each kind of message from the server does; others are of no interest to a terminal. */
const handlers = {
  hello: (socket) => socket.send(JSON.stringify({ id: 'join', type: 'room', room: { roomid: ticket.roomId } })),
  room: (_socket, message) => {
    if (message.room.roomid === '') return goesOnIn === undefined ? stop('* the room was closed') : follow();
    console.log(`* you are in ${message.room.roomid}; type and press return, Ctrl-C leaves`);
  },
  event: (_socket, { event }) => {
    if (event.type === 'join') showJoin(event.join);
    if (event.type === 'switchto' && event.switchto?.details?.region) {
      goesOnIn = event.switchto.details.region;
      console.log(`* the room goes on in ${goesOnIn}; following it`);
    }
    if (event.type === 'leave') for (const id of event.leave) console.log(`* ${nameOf(id)} left`);
  },
  message: (_socket, { message }) => {
    const text = message.data?.text ?? JSON.stringify(message.data);
    console.log(`${nameOf(message.sender.sessionid)}: ${text}`);
  },
  bye: (_socket, { bye }) => stop(`* the server says bye: ${bye?.reason ?? 'no reason given'}`),
  error: (_socket, message) => {
    const { code, message: sentence = code } = message.error;
    const url = toldElsewhere(message);
    stop(`* ${sentence} (${code})${url ? ` It is at ${url}; without --gateway it is found by itself.` : ''}`);
  },
};

function connect(url) {
  goesOnIn = undefined;
  const opened = new WebSocket(url);
  opened.on('open', () => {
    const auth = { url: ticket.authUrl, params: { token: ticket.ticket } };
    opened.send(JSON.stringify({ id: 'hello', type: 'hello', hello: { version: '2.0', auth } }));
  });
  opened.on('message', (frame) => {
    const message = JSON.parse(frame.toString());
    void handlers[message.type]?.(opened, message);
  });
  opened.on('close', () => {
    if (opened === socket && goesOnIn === undefined) stop('* the connection is closed; the same command enters again');
  });
  opened.on('error', (error) => stop(`The gateway cannot be reached: ${error.message}`));
  return opened;
}

let ticket = await askForTicket();
let socket = connect(signalingUrl(ticket));

createInterface({ input: process.stdin }).on('line', (text) => {
  if (text.trim() === '' || socket.readyState !== WebSocket.OPEN) return;
  const message = { recipient: { type: 'room' }, data: { type: 'chat', text } };
  socket.send(JSON.stringify({ type: 'message', message }));
});
process.on('SIGINT', () => {
  if (socket.readyState !== WebSocket.OPEN) process.exit(0);
  // The server answers with a bye of its own.
  handlers.bye = () => {
    console.log('* you left');
    process.exit(0);
  };
  socket.send(JSON.stringify({ type: 'bye', bye: {} }));
  setTimeout(() => process.exit(0), 200);
});
