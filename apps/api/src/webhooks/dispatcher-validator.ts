import type { AccountId, Clock, WebhookId, WebhookStore, WebhookValidator } from '@parley/domain';

/** Between two looks, in milliseconds: most handshakes are over soon, and many callers may wait for one that hangs. */
const POLL_MS = { first: 50, most: 500, growth: 1.4 } as const;

/** Most calls of one account that wait at this replica; others are answered at once, and the handshake goes on. */
export const MOST_WAITING = 50;

/** Asks the dispatcher for a handshake and watches the webhook's row for the outcome. */
export class DispatcherValidator implements WebhookValidator {
  private readonly waiting = new Map<AccountId, number>();

  constructor(
    private readonly webhooks: Pick<WebhookStore, 'handshakeOutcome'>,
    /** Wakes the dispatcher; may fail: the row is due, so it is found anyway, only later. */
    private readonly wake: (id: WebhookId) => Promise<void>,
    private readonly clock: Clock,
    private readonly trouble: (error: unknown) => void,
  ) {}

  async requestAndWait(account: AccountId, id: WebhookId, timeoutMs: number): Promise<boolean> {
    void this.wake(id).catch(this.trouble);
    const others = this.waiting.get(account) ?? 0;
    if (others >= MOST_WAITING) return false;
    this.waiting.set(account, others + 1);
    try {
      return await this.outcome(id, this.clock.now().getTime() + timeoutMs);
    } catch (error) {
      // The webhook is stored and its handshake goes on: "not validated yet" is the truth, an error would not be.
      this.trouble(error);
      return false;
    } finally {
      const left = (this.waiting.get(account) ?? 1) - 1;
      if (left > 0) this.waiting.set(account, left);
      else this.waiting.delete(account);
    }
  }

  private async outcome(id: WebhookId, deadline: number): Promise<boolean> {
    for (let pauseMs: number = POLL_MS.first; ; pauseMs = Math.min(pauseMs * POLL_MS.growth, POLL_MS.most)) {
      const outcome = await this.webhooks.handshakeOutcome(id);
      if (outcome !== null) return outcome.validated;
      if (this.clock.now().getTime() >= deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
