import type { CoreEvent, SessionId } from '@parley/domain';
import type { ReplicaContext } from './context';
import type { LiveSession } from './live-session';

/**
 * The way between two sessions of one replica that spares the store: taken only when nothing the sender did before may
 * still be on its way to the receiver over the bus, so that a sender's messages keep their order.
 */
export class Shortcut {
  /** Receivers of this turn whose writes are not known to be gone. Replaced, not cleared: see `EventFrames`. */
  private touched = new Set<LiveSession>();
  /** Appends of what could not be written at once. */
  private readonly keeping = new Set<Promise<unknown>>();
  private fences = 0;
  /** Everything the bus carried before this fence began has been heard here. */
  private passed = 0;
  private fencing = false;
  private turn: NodeJS.Immediate | undefined;

  constructor(private readonly ctx: ReplicaContext) {}

  /** Does something over the bus for a session: after what it sent directly, before what it will. */
  around<T>(session: LiveSession, work: () => Promise<T>): Promise<T> {
    const unsettled = this.settle();
    // The first fence that proves that what is done by now has been heard.
    const done = () => {
      session.heardBy = this.fences + 1;
    };
    const result = unsettled ? unsettled.then(work) : work();
    result.then(done, done);
    return result;
  }

  /** False: it must go over the bus. */
  deliver(from: LiveSession, to: SessionId, event: CoreEvent): boolean {
    const receiver = this.ctx.sessions.get(to);
    if (!receiver || receiver.record.tenant !== from.record.tenant || !this.ctx.leaseValid()) return false;
    if (this.passed < from.heardBy) {
      this.fence();
      return false;
    }
    if (!receiver.deliverDirectly(event)) return false;
    this.touched.add(receiver);
    this.turn ??= setImmediate(() => this.endTurn());
    return true;
  }

  keep(append: Promise<unknown>): void {
    this.keeping.add(append);
    const done = () => this.keeping.delete(append);
    append.then(done, done);
  }

  /** Undefined: nothing that was sent directly is still to be written or appended. */
  private settle(): Promise<unknown> | undefined {
    for (const receiver of this.touched) receiver.flush();
    this.touched = new Set();
    return this.keeping.size > 0 ? Promise.allSettled(this.keeping) : undefined;
  }

  close(): void {
    clearImmediate(this.turn);
  }

  private endTurn(): void {
    this.turn = undefined;
    this.touched = new Set(); // sinks write at the end of a turn by themselves
  }

  private fence(): void {
    const pending = this.fencing ? undefined : this.ctx.store.bus.fence?.();
    if (!pending) return;
    this.fencing = true;
    const number = (this.fences += 1);
    const done = (passed: boolean) => {
      this.fencing = false;
      if (passed) this.passed = number;
    };
    pending.then(
      () => done(true),
      () => done(false),
    );
  }
}
