import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, forgetProcess, freePort, registerProcess, temporaryFolder } from '@parley/testing';
import { fetch } from 'undici';

const ROOT = join(__dirname, '..', '..', '..');

/** A receiver that runs as a process of its own. */
export interface ReceiverProcess {
  readonly url: string;
  /** What it printed. */
  output(): string;
  close(): Promise<void>;
}

/** The receivers that the README shows, in its order: with the library, and with the legacy header. */
function receiversOfReadme(): [string, string] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [library, legacy] = [...readme.matchAll(/^```js receiver\n(.*?)^```$/gms)].map(([, code = '']) => code);
  if (library === undefined || legacy === undefined) throw new Error('the README shows no receivers any more');
  return [library, legacy];
}

/** A port that a receiver started later is to listen on, and what leads there. */
export async function receiverAddress(): Promise<{ port: number; url: string }> {
  const port = await freePort();
  return { port, url: `http://127.0.0.1:${port}/hook` };
}

/** Starts a receiver of the README. `secret`: of the webhook's own, for the one with the library. */
export async function startReadmeReceiver(
  which: 'library' | 'legacy',
  { port, webhookKey, secret }: { port: number; webhookKey: string; secret?: string },
): Promise<ReceiverProcess> {
  const [library, legacy] = receiversOfReadme();
  const env = { PORT: String(port), WEBHOOK_KEY: webhookKey, ...(secret !== undefined && { WEBHOOK_SECRET: secret }) };
  const code = which === 'library' ? library : legacy;
  return startProcess(port, ['--input-type=module', '--eval', code], env);
}

/** Starts `npm run receiver` beside a run file that names the webhook key. */
export async function startToolReceiver({ port, webhookKey }: { port: number; webhookKey: string }) {
  const home = temporaryFolder('parley-receiver');
  writeFileSync(join(home.path, 'run.json'), JSON.stringify({ webhookKey }));
  const tool = join(ROOT, 'tools', 'receiver.mjs');
  const receiver = await startProcess(port, [tool, '--port', String(port)], { PARLEY_HOME: home.path });
  return { ...receiver, close: () => receiver.close().finally(() => home.remove()) };
}

async function startProcess(port: number, args: readonly string[], env: Record<string, string>) {
  // From this package's folder, where the library is installed.
  const child = spawn(process.execPath, args, { cwd: join(__dirname, '..'), env, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error('the receiver could not be started');
  registerProcess(pid);
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}/hook`;
  const receiver = {
    url,
    output: () => printed,
    close: async () => {
      child.kill();
      await ended;
      forgetProcess(pid);
    },
  };
  try {
    await eventually(
      () =>
        fetch(url, { method: 'POST', body: 'knock' }).then(
          () => true,
          () => false,
        ),
      () => `the receiver to answer; it printed: ${printed}`,
      20_000,
    );
  } catch (error) {
    await receiver.close();
    throw error;
  }
  return receiver;
}
