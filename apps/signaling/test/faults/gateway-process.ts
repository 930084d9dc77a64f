import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, forgetProcess, freePort, registerProcess } from '@parley/testing';

const MAIN = join(__dirname, '..', '..', 'dist', 'main.js');

/** A replica of the gateway as a process of its own, which can be killed and frozen. */
export class GatewayProcess {
  private readonly exited: Promise<unknown>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly pid: number,
    private readonly logFile: string,
    /** Where clients connect: `ws://…/spreed`. */
    readonly url: string,
  ) {
    this.exited = new Promise((resolve) => child.once('exit', resolve));
    registerProcess(pid, 'SIGKILL');
  }

  /**
   * Starts what was built last and waits until it answers.
   * @param env everything but where it listens
   */
  static async start(env: NodeJS.ProcessEnv, logFile: string): Promise<GatewayProcess> {
    const port = await freePort();
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      env: { ...env, HOST: '127.0.0.1', PORT: String(port) },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    if (child.pid === undefined) throw new Error('the gateway could not be started');
    const gateway = new GatewayProcess(child, child.pid, logFile, `ws://127.0.0.1:${port}/spreed`);
    const answers = async () => child.exitCode !== null || (await fetch(`http://127.0.0.1:${port}/api/v1/welcome`)).ok;
    await eventually(answers, () => `the gateway to answer; it says: ${gateway.log}`, 60_000);
    if (child.exitCode !== null) throw new Error(`the gateway ended: ${gateway.log}`);
    return gateway;
  }

  /** The end of what it logged. */
  get log(): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-15).join('\n');
  }

  /** It does nothing any more, and nobody is told: its connections stay. */
  async freeze(): Promise<void> {
    this.child.kill('SIGSTOP');
    await eventually(() => isStopped(this.pid), 'the gateway to stand still');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
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

function isStopped(pid: number): boolean {
  // The state stands behind the program's name, which is in parentheses.
  return existsSync('/proc') ? /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) : true;
}
