import type { AskEvent, JsonValue, SessionId } from '@parley/domain';
import type { LiveAsks } from '../port';
import type { ReplicaContext } from './context';
import { appendTo } from './sending';

/** Questions to sessions: the answer is kept in the store, the channel only wakes who waits for it. */
export function asksOf(ctx: ReplicaContext): LiveAsks {
  return {
    ask: (session, question, timeoutMs) => ask(ctx, session, question, timeoutMs),
    answer: (askId, value) => ctx.store.asks.answer(askId, JSON.stringify(value)),
  };
}

async function ask(
  ctx: ReplicaContext,
  session: SessionId,
  question: AskEvent,
  timeoutMs: number,
): Promise<JsonValue | undefined> {
  const { asks, bus, sessions } = ctx.store;
  const { askId } = question;
  const waiting = new Waiting(timeoutMs, ctx.times.heartbeatMs, () => asks.read(askId));
  try {
    await bus.listen(`a:${askId}`, () => waiting.look());
    await asks.open(askId, timeoutMs);
    const tenant = (await sessions.find(session))?.tenant;
    if (tenant === undefined || (await appendTo(ctx, tenant, session, question)) === 'unknown') return undefined;
    const json = await waiting.answered;
    return json === undefined ? undefined : (JSON.parse(json) as JsonValue); // written by answer()
  } finally {
    waiting.stop();
    await Promise.allSettled([bus.unlisten(`a:${askId}`), asks.close(askId)]);
  }
}

/** Reads when it is woken, now and then (a wake may be lost), and once more at the end. */
class Waiting {
  readonly answered: Promise<string | undefined>;
  private readonly tick: NodeJS.Timeout;
  private readonly end: NodeJS.Timeout;
  private settle: (json: string | undefined) => void = () => undefined;

  constructor(
    timeoutMs: number,
    everyMs: number,
    private readonly read: () => Promise<string | undefined>,
  ) {
    this.answered = new Promise((resolve) => (this.settle = resolve));
    this.tick = setInterval(() => this.look(), everyMs);
    this.end = setTimeout(() => void this.lastLook(), timeoutMs);
  }

  look(): void {
    this.read().then(
      (json) => json !== undefined && this.settle(json),
      () => undefined, // the store is away; the next look tries again
    );
  }

  stop(): void {
    clearInterval(this.tick);
    clearTimeout(this.end);
  }

  private async lastLook(): Promise<void> {
    this.settle(await this.read().catch(() => undefined));
  }
}
