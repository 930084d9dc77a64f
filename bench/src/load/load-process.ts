import { join } from 'node:path';
import { OrderedProcess } from '../servers/ordered-process';
import type { Answer, Counted, Load, Order, Ready } from './orders';

type Fine = Extract<Answer, { ok: true }>;

/** The clients, in a process of their own. */
export class LoadProcess {
  private constructor(
    private readonly process: OrderedProcess<Order, Ready, Fine>,
    /** Base URL of the Nextcloud in there. */
    readonly backendUrl: string,
  ) {}

  static async start(): Promise<LoadProcess> {
    const process = await OrderedProcess.start<Order, Ready, Fine>(join(__dirname, 'main.js'));
    return new LoadProcess(process, process.ready.backendUrl);
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

  close(): Promise<void> {
    return this.process.close();
  }

  private order(order: Order): Promise<Fine> {
    return this.process.order(order);
  }
}
