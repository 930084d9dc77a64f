import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, isPortFree } from './ports.mjs';

const run = promisify(execFile);
const MODULE = join(__dirname, 'ports.mjs');

async function listening(port) {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return server;
}

describe('freePort', () => {
  it('gives every caller another port, in this process and in others', async () => {
    const script = `import(${JSON.stringify(MODULE)}).then(async ({ freePort }) => {
      const ports = [];
      for (let n = 0; n < 200; n += 1) ports.push(await freePort());
      console.log(JSON.stringify(ports));
      process.stdin.once('data', () => process.exit(0));
    })`;
    const others = [1, 2, 3].map(() => run(process.execPath, ['-e', script]));
    const said = others.map(
      ({ child }) => new Promise((resolve) => child.stdout.once('data', (chunk) => resolve(JSON.parse(chunk)))),
    );
    const own = [];
    for (let n = 0; n < 200; n += 1) own.push(await freePort());
    const ports = [...own, ...(await Promise.all(said)).flat()];
    for (const other of others) other.child.stdin.write('end\n');
    await Promise.all(others);
    expect(ports).toHaveLength(800);
    expect(new Set(ports).size).toBe(800);
  });

  it('takes none that outgoing connections could be given', async () => {
    const given = await freePort();
    expect(given).toBeLessThan(32_768);
    expect(await isPortFree(given)).toBe(true);
  });

  it('finds several in a row, all free', async () => {
    const first = await freePort(3);
    const servers = await Promise.all([first, first + 1, first + 2].map(listening));
    expect(await isPortFree(first + 1)).toBe(false);
    for (const server of servers) server.close();
  });
});
