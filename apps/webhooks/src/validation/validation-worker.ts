import type { Clock, DomainName, IdSource } from '@parley/domain';
import type { ClaimedValidation, ValidationStore, ValidationVerdict, WebhookSecrets } from '@parley/persistence';
import type { ValidationJob } from '@parley/queue';
import type { Logger } from '@parley/server-kit';
import type { JobFeeder } from '../delivery/job-feeder';
import type { DispatcherMetrics } from '../dispatcher.metrics';
import type { WebhookSender } from '../sender/webhook-sender';
import { shakeHands, type HandshakeOutcome } from './handshake';

/** How long after the 1st, 2nd, ... failed handshake of a cycle the next is tried, in milliseconds; then the cycle failed. */
export const VALIDATION_RETRIES_MS: readonly number[] = [10_000, 60_000, 600_000];

export interface ValidationWorkerParts {
  readonly validations: ValidationStore;
  readonly secrets: Pick<WebhookSecrets, 'keysOf'>;
  readonly sender: WebhookSender;
  readonly feeder: Pick<JobFeeder, 'feed'>;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly metrics: Pick<DispatcherMetrics, 'validation' | 'alert'>;
  readonly logger: Pick<Logger, 'warn'>;
  readonly deadlineMs: number;
  /** Handshakes of one domain that are done at the same time: all domains share the places, and receivers may hang. */
  readonly atOncePerDomain: number;
  readonly retriesMs: readonly number[];
}

/** Added to the deadline until others may take the handshake over. */
const LOCK_SLACK_MS = 2_000;
const ID_BYTES = 16;

/** Does handshakes that are due. */
export class ValidationWorker {
  private readonly underWay = new Map<DomainName, number>();

  constructor(
    private readonly parts: ValidationWorkerParts,
    private readonly stop: AbortSignal,
  ) {}

  async validate(job: ValidationJob): Promise<void> {
    if (this.stop.aborted) return;
    const { validations, deadlineMs, atOncePerDomain } = this.parts;
    const claim = await validations.claim(job.webhookId, deadlineMs + LOCK_SLACK_MS);
    if (claim === null) return;
    const { domain } = claim;
    const others = this.underWay.get(domain) ?? 0;
    // It stays due, so the sweeper comes back to it.
    if (others >= atOncePerDomain) return validations.giveBack(claim);
    this.underWay.set(domain, others + 1);
    const askedAgain = await this.validateClaimed(claim).finally(() => {
      const left = (this.underWay.get(domain) ?? 1) - 1;
      if (left > 0) this.underWay.set(domain, left);
      else this.underWay.delete(domain);
    });
    // Somebody waits for it, and no job was made for it because of this one.
    if (askedAgain) await this.validate(job);
  }

  /** @returns whether another handshake was asked for meanwhile */
  private async validateClaimed(claim: ClaimedValidation): Promise<boolean> {
    const { validations, metrics, ids, clock } = this.parts;
    const id = `val_${ids.random(ID_BYTES)}`;
    const startedAt = clock.now();
    const startedMark = performance.now();
    const outcome = await this.shakeHands(id, claim);
    metrics.validation(outcome.kind);
    if (outcome.kind === 'interrupted') {
      await validations.giveBack(claim);
      return false;
    }
    const durationMs = Math.round(performance.now() - startedMark);
    const verdict = outcome.kind === 'passed' ? outcome : this.afterFailure(claim.failures, outcome.error);
    const askedAgain = await this.settle(claim, { id, startedAt, durationMs, status: outcome.status }, verdict);
    // What waited for the proof goes at once.
    if (verdict.kind === 'passed') this.parts.feeder.feed([claim.id]);
    return askedAgain;
  }

  private async shakeHands(id: string, claim: ClaimedValidation): Promise<HandshakeOutcome> {
    const keys = (await this.parts.secrets.keysOf([claim.id])).get(claim.id);
    if (keys === undefined)
      return { kind: 'failed', error: 'The domain is not in this region any more.', status: null };
    const policy = keys.insecure ? 'local-too' : 'public';
    return shakeHands({ ...this.parts, stop: this.stop }, { id, url: claim.url, policy, keys });
  }

  private async settle(...outcome: Parameters<ValidationStore['settle']>): Promise<boolean> {
    const { alert, askedAgain } = await this.parts.validations.settle(...outcome);
    if (alert === null) return askedAgain;
    const [{ id: webhookId, domain }, , verdict] = outcome;
    this.parts.metrics.alert(alert);
    this.parts.logger.warn(
      { webhookId, domain, alert, ...(verdict.kind !== 'passed' && { why: verdict.error }) },
      'a webhook needs its owner, or does no more',
    );
    return askedAgain;
  }

  private afterFailure(failuresBefore: number, error: string): ValidationVerdict {
    const retryMs = this.parts.retriesMs[failuresBefore];
    return retryMs === undefined ? { kind: 'gave-up', error } : { kind: 'failed', error, retryMs };
  }
}
