import { setTimeout as pause } from 'node:timers/promises';
import { deliveryKeys, type Clock } from '@parley/domain';
import {
  isOutage,
  type AttemptRecord,
  type ClaimedDelivery,
  type DeliveryStore,
  type DeliveryVerdict,
  type WebhookSecrets,
} from '@parley/persistence';
import type { RoomSecrets } from '@parley/protocol-xroom';
import type { DeliveryJob } from '@parley/queue';
import type { Logger } from '@parley/server-kit';
import type { AttemptClass, DispatcherMetrics } from '../dispatcher.metrics';
import { signatureHeaders } from '../sender/signature';
import type { PostingOutcome, WebhookSender } from '../sender/webhook-sender';
import type { ClaimsUnderWay, ClaimUnderWay } from './claims-under-way';
import type { JobFeeder } from './job-feeder';
import { deliveryMessage, type Message } from './payload';
import { judge, type Judgement, type NextDelay } from './verdict';

export interface DeliveryWorkerParts {
  readonly deliveries: Pick<DeliveryStore, 'settle' | 'giveBack'>;
  readonly claims: Pick<ClaimsUnderWay, 'take'>;
  readonly secrets: Pick<WebhookSecrets, 'keysOf'>;
  readonly roomSecrets: (claim: ClaimedDelivery) => Promise<RoomSecrets>;
  readonly sender: WebhookSender;
  readonly feeder: JobFeeder;
  readonly nextDelay: NextDelay;
  readonly clock: Clock;
  readonly metrics: DispatcherMetrics;
  readonly logger: Pick<Logger, 'error' | 'info'>;
  readonly deadlineMs: number;
}

/** How long an outcome is kept while the database is away, and how often it is offered again meanwhile. */
const SETTLE_PATIENCE_MS = 60_000;
const SETTLE_PAUSE_MS = 250;

/** Sends deliveries. What it knows stands in PostgreSQL; a job only says: look at this one. */
export class DeliveryWorker {
  constructor(
    private readonly parts: DeliveryWorkerParts,
    /** Aborted when the process has to end: attempts under way are given back. */
    private readonly stop: AbortSignal,
  ) {}

  /** Does one attempt. A job that comes twice, or late, finds nothing to claim. */
  async deliver(job: DeliveryJob): Promise<void> {
    if (this.stop.aborted) return;
    const held = await this.parts.claims.take(job.deliveryId, job.attempt);
    if (held === null) return;
    try {
      await this.attempt(held);
    } finally {
      held.letGo();
    }
  }

  private async attempt({ claim, lapsed }: ClaimUnderWay): Promise<void> {
    const startedAt = this.parts.clock.now();
    const startedMark = performance.now();
    const outcome = await this.send(claim, startedAt, AbortSignal.any([this.stop, lapsed]));
    const durationMs = Math.round(performance.now() - startedMark);
    this.parts.metrics.attempt(classOf(outcome), durationMs / 1_000);
    if (outcome.kind === 'interrupted') {
      if (lapsed.aborted) this.parts.logger.error({ deliveryId: claim.id }, 'claim lapsed while its delivery was sent');
      return this.parts.deliveries.giveBack(claim);
    }
    const judgement = judge(outcome, claim.attempt, this.parts.clock.now(), this.parts.nextDelay);
    await this.record(claim, { startedAt, durationMs }, judgement);
    await this.parts.feeder.feed([claim.webhookId]);
  }

  private async send(claim: ClaimedDelivery, now: Date, stop: AbortSignal): Promise<PostingOutcome> {
    const keys = await this.parts.secrets.keysOf(claim.webhookId);
    if (keys === null) return { kind: 'refused', reason: 'The webhook is not in this region any more.' };
    const message = await this.messageOf(claim);
    if (message === null) return { kind: 'unreachable', reason: 'The event could not be put together.' };
    return this.parts.sender.post({
      url: claim.url,
      policy: keys.insecure ? 'local-too' : 'public',
      body: message.body,
      // The delivery's id names the message: the same in all attempts, so receivers can drop a repeated one.
      headers: {
        ...message.headers,
        ...signatureHeaders(deliveryKeys(keys), { id: claim.id, sentAt: now, body: message.body }),
      },
      deadlineMs: this.parts.deadlineMs,
      stop,
    });
  }

  /** Null for an event that cannot be told: it uses up its attempts instead of coming back for ever. */
  private async messageOf(claim: ClaimedDelivery): Promise<Message | null> {
    try {
      return await deliveryMessage(claim, () => this.parts.roomSecrets(claim));
    } catch (error) {
      if (isOutage(error)) throw error;
      this.parts.logger.error({ deliveryId: claim.id, err: error }, 'payload could not be put together');
      return null;
    }
  }

  private async record(
    claim: ClaimedDelivery,
    times: Pick<AttemptRecord, 'startedAt' | 'durationMs'>,
    { verdict, ...heard }: Judgement,
  ): Promise<void> {
    const settled = await this.settle(claim, { ...times, ...heard }, verdict);
    if (settled) this.report(claim, verdict);
    else
      this.parts.logger.error({ deliveryId: claim.id, attempt: claim.attempt }, 'delivery took longer than its claim');
  }

  /** What the receiver has heard it is not told again just because the database was away for a moment. */
  private async settle(...outcome: Parameters<DeliveryStore['settle']>): Promise<boolean> {
    const giveUpAt = performance.now() + SETTLE_PATIENCE_MS;
    for (;;) {
      try {
        return await this.parts.deliveries.settle(...outcome);
      } catch (error) {
        if (!isOutage(error) || this.stop.aborted || performance.now() > giveUpAt) throw error;
        await pause(SETTLE_PAUSE_MS);
      }
    }
  }

  private report({ id, attempt, webhookId }: ClaimedDelivery, verdict: DeliveryVerdict): void {
    if (verdict.kind === 'exhausted' || verdict.kind === 'gone') {
      this.parts.logger.info({ deliveryId: id, attempt, webhookId, why: verdict.kind }, 'delivery failed for good');
    }
  }
}

function classOf(outcome: PostingOutcome): AttemptClass {
  if (outcome.kind === 'answered') return outcome.status >= 200 && outcome.status < 300 ? 'delivered' : 'failed';
  return outcome.kind === 'unreachable' ? 'failed' : outcome.kind;
}
