import { DeliveryLine } from './delivery-line';
import { markOf } from './federation-state';
import type { LinkHome } from './link-terms';

/** How often it is noted, for other replicas, how far the log has got; in milliseconds. */
const CHECKPOINT_MS = 1_000;

/** Where in what another cluster sends a frame stands; only clusters that count their frames say. */
export interface Place {
  readonly remoteSessionId: string;
  readonly seq: string;
}

export interface InboundEvents {
  /** Too much waits, or no longer: the other cluster is to be read more slowly. */
  congested(full: boolean): void;
  /** The session is gone. */
  gone(): void;
  /** The log has got further. */
  progressed(): void;
}

/** What comes from another cluster, on its way into the session's log: one after the other, and how far it got. */
export class InboundFrames {
  /** The last frame that was read: what the next connection of this process goes on after. */
  received: string | undefined;
  /** The last frame in the log: what another replica goes on after. */
  logged: string | undefined;
  private dropped = false;
  private readonly line: DeliveryLine;
  private checkpoint: NodeJS.Timeout | undefined;

  constructor(
    private readonly home: Pick<LinkHome, 'deliver' | 'failed'>,
    private readonly events: InboundEvents,
  ) {
    this.line = new DeliveryLine(home.failed, (full) => events.congested(full));
  }

  get isDropped(): boolean {
    return this.dropped;
  }

  /** @param seq undefined: from the beginning of another session */
  startAfter(seq: string | undefined): void {
    this.received = seq;
    this.logged = seq;
  }

  deliver(frame: string, place?: Place): void {
    if (place !== undefined) this.received = place.seq;
    const mark = place && markOf(place);
    this.line.add(async () => {
      if (this.dropped) return;
      if (!(await this.home.deliver(frame, mark))) this.events.gone();
      else if (place !== undefined) this.advance(place.seq);
    });
  }

  /** Does something once what came before is in the log. */
  after(work: () => Promise<void>): void {
    this.line.add(work);
  }

  done(): Promise<void> {
    return this.line.done();
  }

  /** Somebody else goes on: what is not in the log yet comes there another way. */
  drop(): void {
    this.dropped = true;
  }

  /** Nothing is noted any more. */
  end(): void {
    clearTimeout(this.checkpoint);
  }

  private advance(seq: string): void {
    const isFirst = this.logged === undefined;
    this.logged = seq;
    // Without any place another replica would not know that there is one to go back to.
    if (isFirst) this.events.progressed();
    this.checkpoint ??= setTimeout(() => {
      this.checkpoint = undefined;
      this.events.progressed();
    }, CHECKPOINT_MS);
  }
}
