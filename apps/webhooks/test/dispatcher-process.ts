import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, forgetProcess, freePort, registerProcess, temporaryFolder } from '@parley/testing';

const MAIN = join(__dirname, '..', 'dist', 'main.js');

/** A dispatcher as a process of its own, built last time, which can be killed. */
export class DispatcherProcess {
  private readonly exited: Promise<unknown>;

  private constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
  ) {
    this.exited = new Promise((resolve) => child.once('exit', resolve));
    registerProcess(pid, 'SIGKILL');
  }

  /** Starts it and waits until it is ready. */
  static async start(env: Record<string, string>): Promise<DispatcherProcess> {
    const port = await freePort();
    const folder = temporaryFolder('parley-dispatcher');
    const logFile = join(folder.path, 'log');
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      env: { ...env, LOG_LEVEL: 'warn', HOST: '127.0.0.1', PORT: String(port) },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    if (child.pid === undefined) throw new Error('the dispatcher could not be started');
    const dispatcher = new DispatcherProcess(child, child.pid);
    void dispatcher.exited.then(() => folder.remove());
    const said = (): string => readFileSync(logFile, 'utf8').split('\n').slice(-15).join('\n');
    const isReady = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
    await eventually(isReady, () => `the dispatcher to be ready; it says: ${said()}`, 60_000);
    return dispatcher;
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
