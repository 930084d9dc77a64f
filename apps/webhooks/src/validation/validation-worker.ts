import type { IdSource, TenancyStore } from '@parley/domain';
import type { ValidationStore, ValidationVerdict } from '@parley/persistence';
import type { ValidationJob } from '@parley/queue';
import type { DispatcherMetrics } from '../dispatcher.metrics';
import type { WebhookSender } from '../sender/webhook-sender';
import { shakeHands } from './handshake';

/** How long after the 1st, 2nd, ... failed handshake the next is tried, in milliseconds; after the last one: no more. */
export const VALIDATION_RETRIES_MS: readonly number[] = [10_000, 60_000, 600_000];

export interface ValidationWorkerParts {
  readonly validations: ValidationStore;
  readonly tenancy: TenancyStore;
  readonly sender: WebhookSender;
  readonly ids: IdSource;
  readonly metrics: DispatcherMetrics;
  readonly deadlineMs: number;
  readonly retriesMs: readonly number[];
}

/** Added to the deadline until others may take the handshake over. */
const LOCK_SLACK_MS = 2_000;

/** Does handshakes that are due. */
export class ValidationWorker {
  constructor(
    private readonly parts: ValidationWorkerParts,
    private readonly stop: AbortSignal,
  ) {}

  async validate({ webhookId }: ValidationJob): Promise<void> {
    if (this.stop.aborted) return;
    const { validations, deadlineMs, metrics } = this.parts;
    const claim = await validations.claim(webhookId, deadlineMs + LOCK_SLACK_MS);
    if (claim === null) return;
    const domain = await this.parts.tenancy.domain(claim.domain);
    const outcome =
      domain === null
        ? ({ kind: 'failed', error: 'The domain is not in this region any more.' } as const)
        : await shakeHands(
            { ...this.parts, stop: this.stop },
            { ...claim, webhookKey: domain.webhookKey, policy: domain.insecureWebhooks ? 'local-too' : 'public' },
          );
    metrics.validation(outcome.kind);
    if (outcome.kind === 'interrupted') return validations.giveBack(claim);
    const verdict = outcome.kind === 'passed' ? outcome : this.afterFailure(claim.failures, outcome.error);
    await validations.settle(claim, verdict);
  }

  private afterFailure(failuresBefore: number, error: string): ValidationVerdict {
    const retryMs = this.parts.retriesMs[failuresBefore];
    return retryMs === undefined ? { kind: 'gave-up', error } : { kind: 'failed', error, retryMs };
  }
}
