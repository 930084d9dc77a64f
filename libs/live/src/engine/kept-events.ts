import type { CoreEvent } from '@parley/domain';
import { keptToken, markKept } from '../wire';
import type { ReplicaContext } from './context';
import type { LiveSession } from './live-session';
import { appendTo } from './sending';

/** Events a session's sink took directly and could not write: on their way to the log, from where they are not new. */
export class KeptEvents {
  private readonly tokens = new Set<string>();
  private serial = 0;

  append(ctx: ReplicaContext, { id, epoch, record }: LiveSession, events: readonly CoreEvent[]): void {
    for (const event of events) {
      const token = `${epoch}.${(this.serial += 1)}`;
      this.tokens.add(token);
      ctx.shortcut.keep(appendTo(ctx, record.tenant, id, markKept(event, token)));
    }
  }

  /** Whether this is one of them; asked once for each that comes from the log. */
  has(event: CoreEvent): boolean {
    const token = keptToken(event);
    return token !== undefined && this.tokens.delete(token);
  }
}
