import { createServer } from 'node:http';

/**
 * Stands for an api behind the front door: answers every call at once, so that what is measured is the way there.
 * Argument: its port.
 */
const ANSWER = Buffer.from(JSON.stringify({ isError: false, errMsg: null, data: {} }));
const READY = Buffer.from(JSON.stringify({ status: 'ready', replica: 'bench' }));

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const body = request.url?.startsWith('/health/') ? READY : ANSWER;
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
