import { randomUUID } from 'node:crypto';
import type { Logger } from './logging';

/**
 * Bugs and outages: logged once with an id; the outside world is told only the id. The same error object passing several
 * layers keeps its id and is not logged again.
 */
export class UnknownErrorReporter {
  private readonly known = new WeakMap<object, string>();

  constructor(private readonly logger: Logger) {}

  /** Answers the id to show. */
  report(error: unknown, context: Readonly<Record<string, unknown>> = {}): string {
    const thing = typeof error === 'object' && error !== null ? error : undefined;
    const before = thing && this.known.get(thing);
    if (before !== undefined) return before;
    const errorId = `err_${randomUUID().replaceAll('-', '')}`;
    if (thing) this.known.set(thing, errorId);
    this.logger.error({ ...context, errorId, err: error }, 'unknown error');
    return errorId;
  }
}
