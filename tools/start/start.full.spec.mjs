import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../provision/ports.mjs';
import { isRunning } from '../provision/processes.mjs';

const ROOT = join(__dirname, '..', '..');
const READY_MS = 120_000;

/** `npm start` with real services, in a folder of its own. */
describe('npm start', () => {
  let home;
  let port;
  const started = [];

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'parley-start-'));
    port = await freePort(2);
  });
  afterEach(async () => {
    for (const run of started.splice(0)) await run.end('SIGINT');
    rmSync(home, { recursive: true, force: true });
  });

  function begin(args = [], env = {}) {
    const child = spawn(process.execPath, ['tools/start.mjs', '--port', String(port), ...args], {
      cwd: ROOT,
      env: { ...process.env, PARLEY_HOME: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const run = { child, text: '' };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (run.text += chunk));
    run.exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    run.end = (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return run.exit;
    };
    started.push(run);
    return run;
  }

  const runFile = () => JSON.parse(readFileSync(join(home, 'run.json'), 'utf8'));
  const processes = () => Object.values(runFile().pids).flat();

  async function until(condition, missing, timeoutMs = READY_MS) {
    for (const startedAt = Date.now(); !condition();) {
      if (Date.now() - startedAt > timeoutMs) throw new Error(`waited ${timeoutMs} ms for ${missing()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function beginAndWait(args) {
    const run = begin(args);
    await until(
      () => run.text.includes('Started in ') || run.child.exitCode !== null,
      () => `the start, which said ${run.text}`,
    );
    expect(run.text).toContain('Started in ');
    return run;
  }

  it(
    'serves what it prints, brings back what dies, is alone in its folder, and leaves nothing but its data',
    async () => {
      const run = await beginAndWait();
      expect(statSync(join(home, 'run.json')).mode & 0o777).toBe(0o600);
      const first = runFile();
      expect(first.url).toBe(`http://127.0.0.1:${port}`);
      expect(Object.fromEntries(Object.entries(first.pids).map(([name, pids]) => [name, pids.length]))).toEqual({
        'region-router': 1,
        api: 1,
        signaling: 2,
        webhooks: 1,
      });
      expect(new URL(first.redisUrl).password).toMatch(/^[0-9a-f]{36}$/);
      const commands = run.text.match(/^R=\$[\s\S]*?; echo$/gm);
      for (const command of commands) {
        const { stdout } = await promisify(execFile)('bash', ['-c', command]);
        expect(JSON.parse(stdout)).toMatchObject({ isError: false, errMsg: null });
      }
      expect(commands).toHaveLength(2);

      const [victim] = first.pids.signaling;
      process.kill(victim, 'SIGKILL');
      await until(
        () => run.text.includes('signaling-1 is back'),
        () => `signaling-1 to come back; said was ${run.text}`,
      );
      expect(run.text).toContain('signaling-1 ended (killed by SIGKILL)');
      const [heir] = runFile().pids.signaling;
      expect([heir === victim, isRunning(heir)]).toEqual([false, true]);

      const second = begin();
      expect(await second.exit).toBe(1);
      expect(second.text.trim()).toMatch(
        new RegExp(`^Parley already runs in .* \\(process ${run.child.pid}, port ${port}\\).*$`),
      );

      const all = processes();
      expect(await run.end('SIGINT')).toBe(0);
      expect(all.filter(isRunning)).toEqual([]);
      expect(existsSync(join(home, 'run.json'))).toBe(false);

      await beginAndWait();
      expect(runFile().account).toEqual(first.account);
    },
    3 * READY_MS,
  );

  it(
    'leaves no process behind when it is killed, and starts again at once',
    async () => {
      const run = await beginAndWait(['--gateways', '1']);
      const left = processes();
      await run.end('SIGKILL');
      const again = await beginAndWait(['--gateways', '1']);
      expect(left.filter(isRunning)).toEqual([]);
      const now = processes();
      expect(await again.end('SIGTERM')).toBe(0);
      expect(now.filter(isRunning)).toEqual([]);
    },
    3 * READY_MS,
  );

  it(
    'gives every region its own data and services',
    async () => {
      const run = await beginAndWait(['--regions', 'eu-1,us-1', '--gateways', '1']);
      const { regions, pids } = runFile();
      expect(regions.map(({ id, url }) => [id, url])).toEqual([
        ['eu-1', `http://127.0.0.1:${port}`],
        ['us-1', `http://127.0.0.1:${port + 1}`],
      ]);
      expect([pids.api.length, pids.signaling.length]).toEqual([2, 2]);
      for (const { url } of regions) expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect(await run.end('SIGINT')).toBe(0);
    },
    2 * READY_MS,
  );

  it(
    'says in one sentence what to do about a port in use or a Redis that does not answer',
    async () => {
      const other = createServer();
      await new Promise((resolve) => other.listen(port, '127.0.0.1', resolve));
      const run = begin();
      expect(await run.exit).toBe(1);
      expect(run.text.trim()).toMatch(new RegExp(`^port ${port} is in use: [^\\n]*--port [^\\n]*$`));
      await new Promise((resolve) => other.close(resolve));

      const withoutRedis = begin([], { REDIS_URL: 'redis://127.0.0.1:1' });
      expect(await withoutRedis.exit).toBe(1);
      expect(withoutRedis.text.trim().split('\n').at(-1)).toMatch(
        /^Redis at 127.0.0.1:1 \(REDIS_URL\) does not answer: /,
      );
      expect(existsSync(join(home, 'start.json'))).toBe(false);
    },
    READY_MS,
  );
});
