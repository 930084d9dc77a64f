import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, forgetProcess, registerProcess, temporaryFolder } from '@parley/testing';

const MAIN = join(__dirname, '..', 'dist', 'main.js');

/** An api as a process of its own, built last time, which can be killed. */
export class ApiProcess {
  private readonly exited: Promise<unknown>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly pid: number,
    readonly adminUrl: string,
  ) {
    this.exited = new Promise((resolve) => child.once('exit', resolve));
    registerProcess(pid, 'SIGKILL');
  }

  /** Starts it and waits until it is ready. */
  static async start(env: Record<string, string>, adminPort: number): Promise<ApiProcess> {
    const folder = temporaryFolder('parley-api');
    const logFile = join(folder.path, 'log');
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      env: { ...env, LOG_LEVEL: 'warn', HOST: '127.0.0.1', ADMIN_PORT: String(adminPort) },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    if (child.pid === undefined) throw new Error('the api could not be started');
    const api = new ApiProcess(child, child.pid, `http://127.0.0.1:${adminPort}`);
    const said = (): string => readFileSync(logFile, 'utf8').split('\n').slice(-15).join('\n');
    const isReady = async () => (await fetch(`http://127.0.0.1:${env['PORT'] ?? ''}/health/ready`)).ok;
    try {
      await eventually(isReady, () => `the api to be ready; it says: ${said()}`, 60_000);
    } catch (error) {
      await api.kill();
      throw error;
    } finally {
      // An open file lives on.
      folder.remove();
    }
    return api;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await this.exited;
    }
    forgetProcess(this.pid);
  }
}
