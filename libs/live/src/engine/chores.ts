import { isDomainError } from '@parley/domain';
import type { LiveLogger } from './context';

/** Work that must still be done although the store was away: tried again with every beat until it succeeds. */
export class Chores {
  private readonly pending = new Map<string, () => Promise<void>>();

  constructor(private readonly logger: LiveLogger) {}

  /** Does it now, or later. A newer chore of the same name replaces the older one. */
  async now(name: string, work: () => Promise<void>): Promise<void> {
    this.pending.set(name, work);
    await this.attempt(name, work);
  }

  /** Like {@link now} without waiting. */
  soon(name: string, work: () => Promise<void>): void {
    void this.now(name, work);
  }

  async run(): Promise<void> {
    for (const [name, work] of [...this.pending]) await this.attempt(name, work);
  }

  private async attempt(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isDomainError(error, 'unavailable')) return;
      this.logger.warn({ chore: name, error: String(error) }, 'live chore failed for good');
    }
    if (this.pending.get(name) === work) this.pending.delete(name);
  }
}
