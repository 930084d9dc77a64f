import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How long a server may take until it answers. */
const START_TIMEOUT_MS = 30_000;

/** A server as a child process, with its output in a file. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
    private readonly exited: Promise<unknown>,
  ) {}

  /**
   * Starts it and waits until `url` answers with anything but 5xx.
   * @param env all of its environment
   */
  static async start(options: {
    command: string;
    args: readonly string[];
    env: NodeJS.ProcessEnv;
    logFile: string;
    url: string;
  }): Promise<ServerProcess> {
    const { command, args, env, logFile, url } = options;
    const log = openSync(logFile, 'w');
    const child = spawn(command, args, { env, stdio: ['ignore', log, log] });
    closeSync(log);
    const exited = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
    const over = exited.then(() => 'exited' as const);
    if (child.pid === undefined || (await Promise.race([answers(url), over])) !== 'answers') {
      child.kill('SIGKILL');
      throw new Error(`${command} does not answer at ${url}:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
    }
    return new ServerProcess(child, child.pid, exited);
  }

  async stop(): Promise<void> {
    const cut = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
    this.child.kill('SIGTERM');
    await this.exited;
    clearTimeout(cut);
  }
}

async function answers(url: string): Promise<'answers' | 'silent'> {
  const end = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < end) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => 599,
    );
    if (status < 500) return 'answers';
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return 'silent';
}

/** With BENCH_PROFILE set, each server of ours writes a CPU profile into `folder` when it ends. */
export function profiling(folder: string): string[] {
  return process.env.BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${join(folder, 'profiles')}`] : [];
}
