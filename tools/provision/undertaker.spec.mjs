import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRunning } from './processes.mjs';

/** A program that makes a child and a folder, says the child's pid and then only waits to be killed. */
const program = (module, folder) => `
  import { spawn } from 'node:child_process';
  import { startUndertaker } from ${JSON.stringify(pathToFileURL(module).href)};
  const undertaker = startUndertaker();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
  undertaker.watch(child.pid);
  undertaker.removeFolder(${JSON.stringify(folder)});
  console.log(String(child.pid)); // A number would be coloured where colours are forced, as in Jest on a terminal.
  setInterval(() => {}, 1000);
`;

describe('the undertaker', () => {
  let folder;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-undertaker-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each(['SIGKILL', 'SIGINT'])('ends children and removes folders of a program that got %s', async (signal) => {
    const temporary = join(folder, 'temporary');
    mkdirSync(temporary);
    const file = join(folder, 'program.mjs');
    writeFileSync(file, program(join(__dirname, 'undertaker.mjs'), temporary));
    const parent = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', (data) => resolve(String(data)))));
    expect(isRunning(pid)).toBe(true);
    parent.kill(signal);
    for (const startedAt = Date.now(); isRunning(pid) || existsSync(temporary);) {
      if (Date.now() - startedAt > 25_000) throw new Error(`alive ${isRunning(pid)}, folder ${existsSync(temporary)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});
