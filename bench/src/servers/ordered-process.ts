import { fork, type ChildProcess } from 'node:child_process';

/** How long one order may take. */
const ORDER_TIMEOUT_MS = 60_000;

/** What a child that takes orders answers. */
export type Answered<Result> = ({ readonly ok: true } & Result) | { readonly ok: false; readonly error: string };

/** A child of this package that carries out one order after the other. */
export class OrderedProcess<Order extends { readonly kind: string }, Ready, Result> {
  private constructor(
    private readonly child: ChildProcess,
    private readonly file: string,
    /** The first thing it said. */
    readonly ready: Ready,
  ) {}

  /** @param file its main module */
  static async start<Order extends { readonly kind: string }, Ready, Result>(file: string) {
    const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    return new OrderedProcess<Order, Ready, Result>(child, file, await next<Ready>(child));
  }

  async order(order: Order): Promise<Result> {
    const answer = next<Answered<Result>>(this.child);
    this.child.send(order);
    const said = await answer;
    if (!said.ok) throw new Error(`${this.file}, ${order.kind}: ${said.error}`);
    return said;
  }

  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await exited;
  }
}

/** The other end: says that it is ready and answers each order. */
export function takeOrders<Order, Ready extends object, Result>(
  ready: Ready,
  carryOut: (order: Order) => Promise<Result>,
): void {
  process.on('message', (order: Order) => {
    carryOut(order).then(
      (result) => process.send?.({ ...result, ok: true }),
      (error: unknown) => process.send?.({ ok: false, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(ready);
}

function next<T>(child: ChildProcess): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a process of the bench does not answer')), ORDER_TIMEOUT_MS);
    const ended = (code: number | null) => {
      clearTimeout(timer);
      reject(new Error(`a process of the bench ended with ${code}`));
    };
    child.once('exit', ended);
    child.once('message', (message: unknown) => {
      clearTimeout(timer);
      child.off('exit', ended);
      resolve(message as T); // both ends are this package
    });
  });
}
