import type { Metrics } from '@parley/server-kit';
import { SignalingMachine, type Effect, type Input } from '@parley/protocol-spreed-signaling';
import type { SpreedServices } from '../spreed/services';
import { SessionDriver } from '../spreed/session-driver';
import { ConnectionRunner } from './connection-runner';
import { tellAdmission, type Waiting } from './doorstep';
import type { Transport, TransportEvents } from './transport';
import { TurnEnd } from './turn-end';

/** Frames a client may pile up where it cannot be made to wait. */
const BACKLOG_LIMIT = 512;

/** How long a replica that goes away waits for its sockets, in milliseconds. */
const FLUSH_GRACE_MS = 500;

/** One open connection, as the registry holds it. */
interface Entry {
  readonly feed: (input: Input) => void;
  readonly driver: SessionDriver;
  readonly terminate: () => void;
}

/** All connections of this replica that speak the signaling protocol, whatever carries them. */
export class Connections {
  private readonly open = new Set<Entry>();
  private readonly turnEnd = new TurnEnd();
  private readonly gauge;
  private readonly slow;

  constructor(
    private readonly machine: SignalingMachine,
    private readonly services: SpreedServices,
    metrics: Metrics,
  ) {
    this.gauge = metrics.gauge('parley_signaling_connections', { help: 'Open connections', labels: ['transport'] });
    this.slow = metrics.counter('parley_signaling_slow_readers_total', {
      help: 'Connections cut for reading too slowly',
    });
  }

  /** How many are open. */
  get size(): number {
    return this.open.size;
  }

  /**
   * Takes a new socket in.
   * @param connect makes the transport and lets it report to the given listener
   * @param waiting told when a hello was accepted
   */
  accept(connect: (events: TransportEvents) => Transport, waiting: Waiting): void {
    const slow = () => {
      this.slow.inc();
      transport.terminate();
    };
    const driver = new SessionDriver(
      this.services,
      () => transport,
      (input) => runner.feed(input),
      slow,
      this.turnEnd,
    );
    const watched = tellAdmission(driver, () => waiting.admitted());
    const runner = new ConnectionRunner<ReturnType<SignalingMachine['initial']>, Input, Effect>(this.machine, watched, {
      congested: (full) => (full ? transport.pause() : transport.resume()),
      broken: (error) => {
        this.services.errors.report(error, { during: 'connection' });
        void driver.perform({ kind: 'detach-session' });
        transport.terminate();
      },
    });
    const transport = connect({
      text: (text) => this.received(runner, { kind: 'frame', text }, () => transport.terminate()),
      binary: () => runner.receive({ kind: 'binary' }),
      answered: (roundTripMs) => this.services.census.answered(roundTripMs),
      closed: () => {
        this.gauge.dec({ transport: transport.kind });
        this.open.delete(entry);
        driver.stop();
        runner.receive({ kind: 'disconnected' });
      },
    });
    const entry: Entry = { feed: (input) => runner.feed(input), driver, terminate: () => transport.terminate() };
    waiting.onLate(() => runner.feed({ kind: 'timer', timer: 'hello' }));
    this.open.add(entry);
    this.gauge.inc({ transport: transport.kind });
    this.services.census.connected(transport.address);
    runner.feed({ kind: 'opened' });
  }

  /** Gives all sessions up for resume on another replica and closes the connections. */
  async shutdown(): Promise<void> {
    const entries = [...this.open];
    // What is on its way counts as sent, so that it is not sent again after the resume. Slow readers are not waited for.
    const written = Promise.all(entries.map(({ driver }) => driver.flushed()));
    await Promise.race([written, new Promise((resolve) => setTimeout(resolve, FLUSH_GRACE_MS).unref())]);
    for (const entry of entries) entry.feed({ kind: 'shutdown' });
    await Promise.all(entries.map((entry) => entry.driver.settled));
  }

  /** Cuts what is still open. */
  terminateAll(): void {
    for (const entry of this.open) entry.terminate();
  }

  private received(runner: { receive(input: Input): void; backlog: number }, input: Input, cut: () => void): void {
    if (runner.backlog >= BACKLOG_LIMIT) return cut();
    runner.receive(input);
  }
}
