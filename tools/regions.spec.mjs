import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

let server;
let folder;
const asked = [];
beforeEach(async () => {
  const urls = { apiUrl: 'https://eu.example', signalingUrl: 'wss://eu.example' };
  const settled = { position: { latitude: 50.1, longitude: -8.7 }, group: 'eu' };
  const regions = [
    { id: 'eu-1', number: 1, state: 'draining', ...urls, ...settled, version: 3 },
    { id: 'us-1', number: 2, state: 'serving', ...urls, position: null, group: null, version: 0 },
  ];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.end(JSON.stringify({ regions }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  folder = await mkdtemp(join(tmpdir(), 'parley-regions-'));
  await writeFile(join(folder, 'key'), 'key\n');
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

it('npm run regions -- list shows all that operators can set, and which region nobody entered yet', async () => {
  const where = ['--admin-url', `http://127.0.0.1:${server.address().port}`, '--admin-key-file', join(folder, 'key')];
  const child = spawn(process.execPath, [join(__dirname, 'regions.mjs'), 'list', ...where]);
  const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect(complaints).toBe('');
  expect(printed.trimEnd().split('\n')).toEqual([
    'eu-1\t1\tdraining\thttps://eu.example\twss://eu.example\tat 50.1,-8.7\tgroup eu',
    'us-1\t2\tserving\thttps://eu.example\twss://eu.example\t(not in the directory)',
  ]);
  expect(asked).toEqual(['GET /v1/admin/regions Bearer key']);
});
