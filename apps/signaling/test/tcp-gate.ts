import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * The way to a server: can be cut, closed and opened, or swallow everything without a word. Counts who went through.
 * Of several servers each connection gets any.
 */
export class TcpGate {
  /** Connections let through so far. */
  passed = 0;
  /** How many of the next ones are refused. */
  refuseNext = 0;
  private targets: readonly number[];
  private closed = false;
  private stalled = false;
  private readonly pairs = new Map<readonly [Socket, Socket], number>();
  /** What the servers said, by the number of the connection. */
  private readonly said = new Map<number, string>();

  private constructor(
    private readonly server: Server,
    urls: readonly string[],
  ) {
    this.targets = portsOf(urls);
    server.on('connection', (socket) => this.pass(socket));
  }

  static async to(...urls: readonly string[]): Promise<TcpGate> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TcpGate(server, urls);
  }

  /** From now on connections go there. */
  leadTo(...urls: readonly string[]): void {
    this.targets = portsOf(urls);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** How many of those that went through after the first `before` ones are open now. */
  openAfter(before: number): number {
    return [...this.pairs.values()].filter((number) => number > before).length;
  }

  /** Connections, open or not, on which a server said this. */
  whichSaid(text: string): { number: number; open: boolean }[] {
    const open = new Set(this.pairs.values());
    return [...this.said]
      .filter(([, said]) => said.includes(text))
      .map(([number]) => ({ number, open: open.has(number) }));
  }

  /** Cuts everything; nobody gets through until `unlock`. */
  lock(): void {
    this.closed = true;
    for (const [near, far] of this.pairs.keys()) {
      near.destroy();
      far.destroy();
    }
  }

  unlock(): void {
    this.closed = false;
  }

  /** Nothing goes through any more, and nobody is told: connections stay and new ones are accepted. */
  stall(): void {
    this.stalled = true;
    for (const pair of this.pairs.keys()) for (const socket of pair) socket.pause();
  }

  /** What was held back goes through. */
  flow(): void {
    this.stalled = false;
    for (const pair of this.pairs.keys()) for (const socket of pair) socket.resume();
  }

  async close(): Promise<void> {
    this.lock();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(near: Socket): void {
    const target = this.targets[Math.floor(Math.random() * this.targets.length)];
    if (this.closed || target === undefined || this.refuseNext > 0) {
      this.refuseNext = Math.max(0, this.refuseNext - 1);
      return void near.destroy();
    }
    this.passed += 1;
    const far = connect(target, '127.0.0.1');
    const pair = [near, far] as const;
    this.pairs.set(pair, this.passed);
    const number = this.passed;
    far.on('data', (chunk: Buffer) => this.said.set(number, (this.said.get(number) ?? '') + chunk.toString('latin1')));
    near.pipe(far).pipe(near);
    for (const socket of pair) {
      if (this.stalled) socket.pause();
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
  }
}

function portsOf(urls: readonly string[]): number[] {
  return urls.map((url) => Number(new URL(url).port));
}
