/**
 * A webhook receiver for the first minute: proves that it knows the domain's webhook key, then prints what it is told.
 *
 *   npm run receiver -- [--port 9000]
 */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { readRunFile } from './running.mjs';

const { values } = parseArgs({ options: { port: { type: 'string', default: '9000' } } });
const { webhookKey } = await readRunFile();

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
  console.error(
    error.code === 'EADDRINUSE'
      ? `Port ${values.port} is in use: choose another with "npm run receiver -- --port 9001".`
      : `The receiver cannot listen: ${error.message}`,
  );
  process.exit(1);
});
server.listen(Number(values.port), '127.0.0.1', () =>
  console.log(`listening on http://127.0.0.1:${values.port}/hook (Ctrl-C ends it)`),
);
