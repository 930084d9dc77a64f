import { join } from 'node:path';
import { OrderedProcess } from '../../servers/ordered-process';
import type { Arrival, ReceiverOrder, ReceiverResult } from './orders';

/** The receivers, in a process of their own. Endpoints are numbered from 0 in the order they are opened in. */
export class Receivers {
  private constructor(private readonly process: OrderedProcess<ReceiverOrder, object, ReceiverResult>) {}

  static async start(): Promise<Receivers> {
    return new Receivers(await OrderedProcess.start(join(__dirname, 'main.js')));
  }

  /** @returns the URLs of the new ones */
  async open(count: number, options: { answerAfterMs: number; webhookKey: string }): Promise<readonly string[]> {
    return (await this.process.order({ kind: 'open', count, ...options })).urls ?? [];
  }

  async hang(endpoint: number, forMs: number): Promise<void> {
    await this.process.order({ kind: 'hang', endpoint, forMs });
  }

  async letGo(endpoint: number): Promise<void> {
    await this.process.order({ kind: 'hang', endpoint, forMs: 0 });
  }

  async count(): Promise<number> {
    return (await this.process.order({ kind: 'count' })).count ?? 0;
  }

  /** What arrived since the last time. */
  async take(): Promise<readonly Arrival[]> {
    return (await this.process.order({ kind: 'take' })).arrivals ?? [];
  }

  close(): Promise<void> {
    return this.process.close();
  }
}
