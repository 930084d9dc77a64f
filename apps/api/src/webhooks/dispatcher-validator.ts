import type { Clock, WebhookId, WebhookStore, WebhookValidator } from '@parley/domain';

/** Between two looks, in milliseconds: most handshakes are over soon, and many callers may wait for one that hangs. */
const POLL_MS = { first: 50, most: 500, growth: 1.4 } as const;

/** Asks the dispatcher for a handshake and watches the webhook's row for the outcome. */
export class DispatcherValidator implements WebhookValidator {
  constructor(
    private readonly webhooks: Pick<WebhookStore, 'validationSince'>,
    /** Wakes the dispatcher; may fail: the row is due, so it is found anyway, only later. */
    private readonly wake: (id: WebhookId) => Promise<void>,
    private readonly clock: Clock,
    private readonly trouble: (error: unknown) => void,
  ) {}

  async requestAndWait(id: WebhookId, timeoutMs: number, since: Date): Promise<boolean> {
    const deadline = this.clock.now().getTime() + timeoutMs;
    try {
      void this.wake(id).catch(this.trouble);
      for (let pauseMs: number = POLL_MS.first; ; pauseMs = Math.min(pauseMs * POLL_MS.growth, POLL_MS.most)) {
        const outcome = await this.webhooks.validationSince(id, since);
        if (outcome !== null) return outcome.validated;
        if (this.clock.now().getTime() >= deadline) return false;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    } catch (error) {
      // The webhook is stored and its handshake goes on: "not validated yet" is the truth, an error would not be.
      this.trouble(error);
      return false;
    }
  }
}
