import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './provision/ports.mjs';
import { createSupervisor } from './supervisor.mjs';

const SERVICE = `
  const server = require('http').createServer((_request, response) => response.end());
  console.log('serving');
  server.listen(Number(process.env.PORT), '127.0.0.1');
`;

describe('the supervisor', () => {
  let folder;
  let supervisor;
  let said;
  let changes;
  let watched;
  /** Waits until something was reported. */
  const reported = async (pattern) => {
    for (const startedAt = Date.now(); Date.now() - startedAt < 25_000;) {
      const found = said.find((text) => pattern.test(text));
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`nobody said ${pattern}; said was ${JSON.stringify(said)}`);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-supervisor-'));
    [said, changes, watched] = [[], 0, new Set()];
    supervisor = createSupervisor({
      report: (text) => said.push(text),
      onChange: () => (changes += 1),
      undertaker: { watch: (pid) => watched.add(pid), forget: (pid) => watched.delete(pid) },
    });
  });
  afterEach(async () => {
    await supervisor.stop();
    rmSync(folder, { recursive: true });
  });

  async function spec(name, code = SERVICE) {
    const port = await freePort();
    const logFile = join(folder, `${name}.log`);
    const env = { PORT: String(port) };
    const [command, args] = [process.execPath, ['-e', code]];
    return { name, service: 'echo', command, args, cwd: folder, env, url: `http://127.0.0.1:${port}`, logFile };
  }

  it('starts services, restarts one that is killed, and stops all', async () => {
    await supervisor.start([await spec('echo-1'), await spec('echo-2')]);
    const before = supervisor.pids().echo;
    expect(watched).toEqual(new Set(before));
    process.kill(before[0], 'SIGKILL');
    expect(await reported(/ended/)).toMatch(
      /^echo-1 ended \(killed by SIGKILL\) and is started again in 0.5 s.*\n {4}serving$/s,
    );
    await reported(/^echo-1 is back/);
    const after = supervisor.pids().echo;
    expect([after[0] === before[0], after[1] === before[1], changes]).toEqual([false, true, 1]);
    await supervisor.stop();
    expect(watched.size).toBe(0);
    for (const pid of after) expect(() => process.kill(pid, 0)).toThrow();
  });

  it('fails in one sentence when a service does not come up', async () => {
    const broken = await spec('broken', `console.error('first'); console.error('no DATABASE_URL'); process.exit(3)`);
    await expect(supervisor.start([broken])).rejects.toThrow(
      `broken did not start (code 3): no DATABASE_URL (its log is ${broken.logFile})`,
    );
  });

  it('says why a service did not come up, not where in its code', async () => {
    const late = await spec(
      'late',
      `console.error('could not start: ' + new Error('too late').stack); process.exit(1)`,
    );
    await expect(supervisor.start([late])).rejects.toThrow(
      `late did not start (code 1): could not start: Error: too late (its log is ${late.logFile})`,
    );
  });
});
