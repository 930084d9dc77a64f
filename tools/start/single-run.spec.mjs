import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimFolder } from './single-run.mjs';

describe('one start per folder', () => {
  let root;
  let folder;
  const children = [];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'parley-claim-'));
    folder = { path: root, lock: join(root, 'start.json'), processes: join(root, 'processes') };
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(root, { recursive: true });
  });

  function sleeper(...args) {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', ...args], {
      cwd: root,
      stdio: 'ignore',
    });
    children.push(child);
    return child;
  }

  it('is refused while another start is alive, and told its process and port', async () => {
    const other = sleeper('start.mjs');
    writeFileSync(folder.lock, JSON.stringify({ pid: other.pid, port: 8080 }));
    await expect(claimFolder(folder, root, 9090)).rejects.toThrow(`process ${other.pid}, port 8080`);
  });

  it('is granted after a start that was killed, whose processes are ended first', async () => {
    const leftOver = sleeper();
    const ended = new Promise((resolve) => leftOver.once('exit', (_code, signal) => resolve(signal)));
    const gone = sleeper();
    const goneEnded = new Promise((resolve) => gone.once('exit', resolve));
    gone.kill('SIGKILL');
    await goneEnded;
    writeFileSync(folder.lock, JSON.stringify({ pid: gone.pid, port: 8080, undertaker: gone.pid }));
    writeFileSync(folder.processes, `+${leftOver.pid} SIGTERM\n+${process.pid} SIGTERM\n-${process.pid}\n`);
    const claim = await claimFolder(folder, root, 9090);
    expect(await ended).toBe('SIGTERM');
    claim.release();
    expect(existsSync(folder.lock)).toBe(false);
  });

  it('leaves a process alone that got the number of an ended one', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { cwd: tmpdir(), stdio: 'ignore' });
    children.push(stranger);
    writeFileSync(folder.lock, 'not JSON');
    writeFileSync(folder.processes, `+${stranger.pid} SIGTERM\n`);
    const claim = await claimFolder(folder, root, 9090);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    expect(process.kill(stranger.pid, 0)).toBe(true);
    claim.release();
  });
});
