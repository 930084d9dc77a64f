/**
 * A webhook receiver for the first minute: proves that it knows the domain's webhook key, checks who signed what it is
 * told, prints that, and refuses the rest.
 */
import { createServer } from 'node:http';
import { readCommandLine, readRunFile, stop } from './running.mjs';
import { handshakeAnswer, OF_ANOTHER_KEY, whyNotGenuine } from './webhook-signature.mjs';

const HELP = `npm run receiver -- [options]

  --port N            port to listen on (default 9000)
  --secret whsec_...  signing secret of a webhook that was made through /v1
  --help              this text`;

const { values } = readCommandLine('npm run receiver', HELP, {
  options: { port: { type: 'string', default: '9000' }, secret: { type: 'string' } },
});
if (!/^\d{1,5}$/.test(values.port) || Number(values.port) < 1 || Number(values.port) > 65_535) {
  stop(`--port takes a whole number from 1 to 65535, not "${values.port}".`);
}
if (values.secret !== undefined && !/^whsec_[A-Za-z0-9+/]{16,}=*$/.test(values.secret)) {
  stop('--secret takes what was shown when the webhook was made: whsec_ and Base64.');
}
await readRunFile();

const HINT = `${
  values.secret === undefined
    ? '  Made through /v1, or its secret replaced? Start with: npm run receiver -- --secret whsec_...'
    : '  --secret has to be what was shown last for this webhook.'
}
  The webhook key replaced? Write the new one to demo.webhookKey in .parley/secrets.json, and start Parley again.`;

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Strangers choose what stands here: nothing of it may steer the terminal. */
const printable = (text) => String(text).replace(/\p{C}/gu, '?');

function print(verdict, what) {
  console.log(`${new Date().toISOString().slice(11, 19)}  ${verdict.padEnd(12)}  ${printable(what)}`);
}

/** One line: what happened, where, and the rest as it came. */
function describe({ event, domain, roomName, ...rest }) {
  const where = roomName === undefined ? domain : `${domain}/${roomName}`;
  return `${event}  ${where}  ${JSON.stringify(rest)}`;
}

function parse(body) {
  try {
    const event = JSON.parse(body);
    return typeof event?.event === 'string' ? event : null;
  } catch {
    return null;
  }
}

async function receive(request, response) {
  const body = await readBody(request);
  const event = parse(body);
  // Read every time: after `npm start -- --fresh` the key is another one.
  const { webhookKey } = await readRunFile();
  const keys = { webhookKey, secret: values.secret };
  const why = event === null ? 'it is no event' : whyNotGenuine({ body, headers: request.headers }, keys, new Date());
  if (why !== null) {
    response.writeHead(401).end('not verified');
    print('NOT VERIFIED', `refused, because ${why}: ${body.slice(0, 200)}`);
    if (why === OF_ANOTHER_KEY) console.log(HINT);
    return;
  }
  if (event.event === 'validation') {
    response.end(handshakeAnswer(webhookKey, String(event.signThis)));
    print('verified', 'asked to prove that it knows the webhook key, and did');
    return;
  }
  response.end('ok');
  print('verified', describe(event));
}

const server = createServer((request, response) => {
  // Whoever hangs up in the middle is not answered.
  receive(request, response).catch(() => response.destroy());
});

server.on('error', (error) => {
  stop(
    error.code === 'EADDRINUSE'
      ? `Port ${values.port} is in use: choose another with "npm run receiver -- --port ${Number(values.port) + 1}".`
      : `The receiver cannot listen: ${error.message}`,
  );
});
server.listen(Number(values.port), '127.0.0.1', () =>
  console.log(`listening on http://127.0.0.1:${values.port}/hook (Ctrl-C ends it)`),
);
