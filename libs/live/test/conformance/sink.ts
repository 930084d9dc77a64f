import type { CoreEvent, SessionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import type { Cursor, Delivery, EndReason, OwnedSession, SessionSink } from '../../src/index';

/** A connection that writes down what it gets. With `reads` it acknowledges at once, as a fast client's would. */
export class RecordingSink implements SessionSink {
  readonly deliveries: Delivery[] = [];
  end: { reason: EndReason; detail: string | undefined } | undefined;
  afterEnd = 0;
  session: OwnedSession | undefined;

  constructor(
    readonly name: string,
    private readonly reads = true,
  ) {}

  deliver(delivery: Delivery): void {
    if (this.end) this.afterEnd++;
    this.deliveries.push(delivery);
    if (this.reads) this.session?.acknowledge(delivery.cursor);
  }

  ended(reason: EndReason, detail?: string): void {
    if (this.end) this.afterEnd++;
    this.end = { reason, detail };
  }

  get last(): Cursor | undefined {
    return this.deliveries.at(-1)?.cursor;
  }

  get lines(): string[] {
    return this.deliveries.map(({ event }) => line(event));
  }

  /** The texts of the messages it got. */
  get texts(): string[] {
    return this.deliveries.flatMap(({ event }) => (event.kind === 'message' ? [event.raw] : []));
  }

  /** Waits until exactly these lines have come, in this order. */
  async expectLines(...expected: string[]): Promise<void> {
    await this.until(() => this.lines.length >= expected.length, expected.join(' | '));
    expect(this.lines).toEqual(expected);
  }

  async expectEnd(reason: EndReason): Promise<void> {
    await this.until(() => this.end !== undefined, `the end (${reason})`);
    expect(this.end?.reason).toBe(reason);
  }

  async until(condition: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
    const missing = () => `${this.name} to have: ${what}; it has: ${this.lines.join(' | ')} end: ${this.end?.reason}`;
    await eventually(condition, missing, timeoutMs);
  }
}

/** An event in one short line. */
export function line(event: CoreEvent): string {
  if (event.kind === 'message') return event.raw;
  if (event.kind === 'joined') return `+${event.members.map((member) => short(member.sessionId)).join(',')}`;
  if (event.kind === 'left') return `-${event.sessionIds.map(short).join(',')}`;
  if (event.kind === 'changed') {
    return event.members.map((member) => `${short(member.sessionId)} is ${member.role}`).join(',');
  }
  if (event.kind === 'transient') {
    const { key, value, oldValue } = event;
    return `${key}: ${JSON.stringify(oldValue) ?? 'nothing'} -> ${JSON.stringify(value) ?? 'nothing'}`;
  }
  if (event.kind === 'room-changed') return `room ${JSON.stringify(event.properties)}`;
  return event.kind;
}

function short(id: SessionId): string {
  return id.split('.')[0] ?? id;
}
