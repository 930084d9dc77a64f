import type { LoadClient } from './client';
import { Histogram } from './histogram';
import type { Counted, Load } from './orders';

/** Who sends and how many hear each message. */
export interface Lane {
  readonly sender: LoadClient;
  readonly receivers: readonly LoadClient[];
}

interface OnItsWay {
  readonly sentAt: number;
  readonly lane: number;
  missing: number;
}

/** How often a rate is kept up with, in milliseconds. */
const TICK_MS = 5;

/**
 * Messages along lanes. With a window, a sender sends the next message when one of its messages has reached everybody;
 * with a rate, messages go out in turn at a fixed pace whether or not the server keeps up.
 */
export class Traffic {
  private readonly onItsWay = new Map<number, OnItsWay>();
  private readonly times = new Histogram();
  private countedSince = performance.now();
  private last = 0;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly heads: readonly string[];
  private readonly tail: string;

  constructor(
    private readonly lanes: readonly Lane[],
    private readonly load: Load,
  ) {
    this.heads = lanes.map(({ sender: _sender, receivers }) => headOf(load, receivers));
    // {"n":"1234567890","p":"..."}
    this.tail = `","p":"${'x'.repeat(Math.max(0, load.payloadBytes - 25))}"}}}`;
    for (const client of new Set(lanes.flatMap(({ receivers }) => receivers))) {
      client.heard = (message) => this.heard(message);
    }
  }

  start(): void {
    if ('window' in this.load) {
      for (const lane of this.lanes.keys()) for (let n = 0; n < this.load.window; n += 1) this.send(lane);
    } else this.keepPace(this.load.perSecond);
  }

  mark(): void {
    this.times.clear();
    this.countedSince = performance.now();
  }

  read(): Counted {
    const seconds = (performance.now() - this.countedSince) / 1000;
    const { times } = this;
    return { deliveries: times.count, seconds, p50: times.quantile(0.5), p99: times.quantile(0.99) };
  }

  /** @returns how many deliveries did not come within a few seconds */
  async stop(): Promise<number> {
    this.stopped = true;
    clearInterval(this.timer);
    const end = performance.now() + 5_000;
    while (this.onItsWay.size > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    return [...this.onItsWay.values()].reduce((sum, { missing }) => sum + missing, 0);
  }

  private keepPace(perSecond: number): void {
    const startedAt = performance.now();
    let sent = 0;
    this.timer = setInterval(() => {
      const due = ((performance.now() - startedAt) / 1000) * perSecond;
      for (; sent < due; sent += 1) this.send(sent % this.lanes.length);
    }, TICK_MS);
  }

  private send(lane: number): void {
    const head = this.heads[lane];
    const { sender, receivers } = this.lanes[lane] ?? {};
    if (head === undefined || sender === undefined || receivers === undefined) throw new Error('no such lane');
    const message = (this.last += 1);
    this.onItsWay.set(message, { sentAt: performance.now(), lane, missing: receivers.length });
    sender.send(head + String(message).padStart(10, '0') + this.tail);
  }

  private heard(message: number): void {
    const known = this.onItsWay.get(message);
    if (known === undefined) return;
    this.times.add(performance.now() - known.sentAt);
    known.missing -= 1;
    if (known.missing > 0) return;
    this.onItsWay.delete(message);
    if (!this.stopped && 'window' in this.load) this.send(known.lane);
  }
}

function headOf({ scenario }: Load, [first]: readonly LoadClient[]): string {
  const recipient = scenario === 'room' ? { type: 'room' } : { type: 'session', sessionid: first?.sessionId };
  return `{"type":"message","message":{"recipient":${JSON.stringify(recipient)},"data":{"n":"`;
}
