import type { SessionId } from '@parley/domain';

/**
 * What is told of sessions that are just being resumed here, from before the store hands them over until somebody can
 * listen: it may be in no log any more when the store is lost in that moment.
 */
export class Arrivals {
  private readonly expected = new Map<SessionId, Set<string[]>>();

  /** Fills with the signals that come, until it is forgotten. */
  expect(id: SessionId): string[] {
    const signals: string[] = [];
    this.expected.set(id, (this.expected.get(id) ?? new Set()).add(signals));
    return signals;
  }

  /** Whether one is on its way here. */
  has(id: SessionId): boolean {
    return this.expected.has(id);
  }

  /** Whether several are. */
  isContested(id: SessionId): boolean {
    return (this.expected.get(id)?.size ?? 0) > 1;
  }

  hear(id: SessionId, text: string): void {
    this.expected.get(id)?.forEach((signals) => signals.push(text));
  }

  forget(id: SessionId, signals: string[]): void {
    const all = this.expected.get(id);
    all?.delete(signals);
    if (all?.size === 0) this.expected.delete(id);
  }
}
