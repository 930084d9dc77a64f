/** A webhook receiver for the first minute: proves that it knows the domain's webhook key, then prints what it is told. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { readCommandLine, readRunFile, stop } from './running.mjs';

const HELP = `npm run receiver -- [options]

  --port N            port to listen on (default 9000)
  --help              this text`;

const { values } = readCommandLine('npm run receiver', HELP, {
  options: { port: { type: 'string', default: '9000' } },
});
if (!/^\d{1,5}$/.test(values.port) || Number(values.port) < 1 || Number(values.port) > 65_535) {
  stop(`--port takes a whole number from 1 to 65535, not "${values.port}".`);
}
await readRunFile();

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const server = createServer(async (request, response) => {
  let event;
  try {
    event = JSON.parse(await readBody(request));
  } catch {
    response.writeHead(400).end('not JSON');
    return;
  }
  const time = new Date().toISOString().slice(11, 19);
  if (event.event === 'validation') {
    // Read every time: after `npm start -- --fresh` the key is another one.
    const { webhookKey } = await readRunFile();
    response.end(createHmac('sha256', webhookKey).update(String(event.signThis)).digest('hex'));
    console.log(`${time}  asked to prove that it knows the webhook key, and did`);
    return;
  }
  response.end('ok');
  console.log(
    `${time}  ${event.event}  ${event.domain}/${event.roomName}  ${event.options ? JSON.stringify(event.options) : ''}`,
  );
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
