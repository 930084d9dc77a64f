import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Answer, Counted, Load, Order, Ready } from './orders';

/** How long one order may take. */
const ORDER_TIMEOUT_MS = 60_000;

type Fine = Extract<Answer, { ok: true }>;

/** The clients, in a process of their own. */
export class LoadProcess {
  private constructor(
    private readonly child: ChildProcess,
    /** Base URL of the Nextcloud in there. */
    readonly backendUrl: string,
  ) {}

  static async start(): Promise<LoadProcess> {
    const child = fork(join(__dirname, 'main.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const ready = await next<Ready>(child);
    return new LoadProcess(child, ready.backendUrl);
  }

  connect(servers: readonly string[], count: number): Promise<Fine> {
    return this.order({ kind: 'connect', servers, backendUrl: this.backendUrl, count });
  }

  join(roomSize: number): Promise<Fine> {
    return this.order({ kind: 'join', roomSize });
  }

  disconnect(count: number): Promise<Fine> {
    return this.order({ kind: 'disconnect', count });
  }

  start(load: Load): Promise<Fine> {
    return this.order({ kind: 'start', load });
  }

  mark(): Promise<Fine> {
    return this.order({ kind: 'mark' });
  }

  async read(): Promise<Counted> {
    const { counted } = await this.order({ kind: 'read' });
    if (counted === undefined) throw new Error('nothing is being counted');
    return counted;
  }

  /** @returns how many deliveries never came */
  async stop(): Promise<number> {
    return (await this.order({ kind: 'stop' })).undelivered ?? 0;
  }

  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await exited;
  }

  private async order(order: Order): Promise<Fine> {
    const answer = next<Answer>(this.child);
    this.child.send(order);
    const said = await answer;
    if (!said.ok) throw new Error(`load process, ${order.kind}: ${said.error}`);
    return said;
  }
}

function next<T>(child: ChildProcess): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the load process does not answer')), ORDER_TIMEOUT_MS);
    const ended = (code: number | null) => {
      clearTimeout(timer);
      reject(new Error(`the load process ended with ${code}`));
    };
    child.once('exit', ended);
    child.once('message', (message: unknown) => {
      clearTimeout(timer);
      child.off('exit', ended);
      resolve(message as T); // both ends are this package
    });
  });
}
