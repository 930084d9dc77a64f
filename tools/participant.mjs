/** A participant in a terminal: joins a room, shows who comes and goes, sends what you type to everybody in the room. */
import { createInterface } from 'node:readline';
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
  const response = await fetch(`${run.url}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      room,
      displayName: values.name,
      ...(values['host-key'] && { hostKey: values['host-key'] }),
      ...(values.password && { password: values.password }),
    }),
  }).catch(() => stop(`Nothing answers at ${run.url}: is "npm start" still running?`));
  const answer = await response.json();
  if (!response.ok) stop(`${room}: ${answer.detail ?? answer.title} (${answer.code})`);
  return answer;
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

/** What each kind of message from the server does; others are of no interest to a terminal. */
const handlers = {
  hello: (socket) => socket.send(JSON.stringify({ id: 'join', type: 'room', room: { roomid: ticket.roomId } })),
  room: (_socket, message) => {
    if (message.room.roomid === '') stop('* the room was closed');
    console.log(`* you are in ${message.room.roomid}; type and press return, Ctrl-C leaves`);
  },
  event: (_socket, { event }) => {
    if (event.type === 'join') showJoin(event.join);
    if (event.type === 'leave') for (const id of event.leave) console.log(`* ${nameOf(id)} left`);
  },
  message: (_socket, { message }) => {
    const text = message.data?.text ?? JSON.stringify(message.data);
    console.log(`${nameOf(message.sender.sessionid)}: ${text}`);
  },
  bye: (_socket, { bye }) => stop(`* the server says bye: ${bye?.reason ?? 'no reason given'}`),
  error: (_socket, { error }) => stop(`* ${error.message ?? error.code} (${error.code})`),
};

const ticket = await askForTicket();
const socket = new WebSocket(signalingUrl(ticket));
socket.on('open', () => {
  const auth = { url: ticket.authUrl, params: { token: ticket.ticket } };
  socket.send(JSON.stringify({ id: 'hello', type: 'hello', hello: { version: '2.0', auth } }));
});
socket.on('message', (frame) => {
  const message = JSON.parse(frame.toString());
  handlers[message.type]?.(socket, message);
});
socket.on('close', () => stop('* the connection is closed'));
socket.on('error', (error) => stop(`The gateway cannot be reached: ${error.message}`));

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
