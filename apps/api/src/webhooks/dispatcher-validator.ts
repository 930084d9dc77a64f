import type { Clock, WebhookId, WebhookStore, WebhookValidator } from '@parley/domain';

const POLL_MS = 50;

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
      for (;;) {
        const outcome = await this.webhooks.validationSince(id, since);
        if (outcome !== null) return outcome.validated;
        if (this.clock.now().getTime() >= deadline) return false;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    } catch (error) {
      // The webhook is stored and its handshake goes on: "not validated yet" is the truth, an error would not be.
      this.trouble(error);
      return false;
    }
  }
}
