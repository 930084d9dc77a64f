import { setTimeout as pause } from 'node:timers/promises';
import { deliveryKeys, type Clock, type WebhookId } from '@parley/domain';
import {
  isOutage,
  SealBroken,
  type ClaimedDelivery,
  type DeliveryStore,
  type RequestKeys,
  type SettledAttempt,
  type WebhookSecrets,
} from '@parley/persistence';
import type { RoomSecrets } from '@parley/protocol-xroom';
import type { DeliveryJob } from '@parley/queue';
import type { Logger } from '@parley/server-kit';
import { attemptClass, type DispatcherMetrics } from '../dispatcher.metrics';
import { signatureHeaders } from '../sender/signature';
import type { PostingOutcome, WebhookSender } from '../sender/webhook-sender';
import { following } from '../loop/following';
import { Gathered } from '../loop/gathered';
import type { ClaimsUnderWay, ClaimUnderWay } from './claims-under-way';
import type { JobFeeder } from './job-feeder';
import { deliveryMessage, keepable, type Message } from './payload';
import type { SlowLane } from './slow-lane';
import { judge, type NextDelay } from './verdict';

export interface DeliveryWorkerParts {
  readonly deliveries: Pick<DeliveryStore, 'settle' | 'giveBack'>;
  readonly claims: Pick<ClaimsUnderWay, 'take'>;
  readonly slowLane: SlowLane;
  readonly secrets: Pick<WebhookSecrets, 'keysOf'>;
  readonly roomSecrets: (claim: ClaimedDelivery) => Promise<RoomSecrets>;
  readonly sender: Pick<WebhookSender, 'post'>;
  readonly feeder: Pick<JobFeeder, 'feed'>;
  readonly nextDelay: NextDelay;
  readonly clock: Clock;
  readonly metrics: Pick<DispatcherMetrics, 'attempt' | 'told'>;
  readonly logger: Pick<Logger, 'error' | 'info' | 'warn'>;
  readonly deadlineMs: number;
}

/** How long an outcome is kept while the database is away, and how often it is offered again meanwhile. */
const SETTLE_PATIENCE_MS = 60_000;
const SETTLE_PAUSE_MS = 250;
/** When what could not be sent for reasons of our own is tried again: too much is slow, or proxy or master key fail. */
const BUSY_MS = 5_000;
const NO_WAY_OUT_MS = 30_000;

/** Sends deliveries. What it knows stands in PostgreSQL; a job only says: look at this one. */
export class DeliveryWorker {
  private readonly settling: Gathered<SettledAttempt, boolean>;
  private readonly keys: Gathered<WebhookId, RequestKeys | null>;

  constructor(
    private readonly parts: DeliveryWorkerParts,
    /** Aborted when the process has to end: attempts under way are given back. */
    private readonly stop: AbortSignal,
  ) {
    this.settling = new Gathered(async (attempts) => {
      const settled = await parts.deliveries.settle(attempts);
      return attempts.map(({ claim }) => settled.has(claim.id));
    });
    this.keys = new Gathered(async (webhooks) => {
      const keys = await parts.secrets.keysOf([...new Set(webhooks)]);
      return webhooks.map((webhook) => keys.get(webhook) ?? null);
    });
  }

  /**
   * Does one attempt. A job that comes twice, or late, finds nothing to claim. Resolves when it is over, or when the
   * receiver takes its time: the attempt goes on without holding one of the places that all receivers share.
   */
  async deliver(job: DeliveryJob): Promise<void> {
    if (this.stop.aborted) return;
    const held = await this.parts.claims.take(job);
    if (held === null) return;
    const { slowLane } = this.parts;
    const work = slowLane.refuses(held.claim) ? this.putOff(held.claim, BUSY_MS) : this.attempt(held);
    await slowLane.ride(
      held.claim,
      work.finally(() => held.letGo()),
    );
  }

  private async attempt({ claim, lapsed }: ClaimUnderWay): Promise<void> {
    const startedAt = this.parts.clock.now();
    const startedMark = performance.now();
    const ends = following(this.stop, lapsed);
    const outcome = await this.trySending(claim, startedAt, ends.signal).finally(ends.release);
    const durationMs = Math.round(performance.now() - startedMark);
    this.parts.metrics.attempt(attemptClass(outcome), durationMs / 1_000);
    if (outcome.kind === 'interrupted') {
      if (lapsed.aborted) this.parts.logger.error({ deliveryId: claim.id }, 'claim lapsed while its delivery was sent');
      return this.parts.deliveries.giveBack(claim);
    }
    if (outcome.kind === 'no-way-out') {
      this.parts.logger.warn({ deliveryId: claim.id, reason: outcome.reason }, 'nothing can be sent');
      return this.putOff(claim, NO_WAY_OUT_MS);
    }
    const endedAt = this.parts.clock.now();
    const { verdict, ...heard } = judge(outcome, claim.tryNumber, endedAt, this.parts.nextDelay);
    if (verdict.kind === 'delivered') this.tell(claim, endedAt);
    await this.record({ claim, record: { startedAt, durationMs, ...heard }, verdict });
    this.parts.feeder.feed([claim.webhookId]);
  }

  /** It costs no attempt. Who comes next is decided by the sweeper: asking at once would find the same wall. */
  private putOff(claim: ClaimedDelivery, delayMs: number): Promise<void> {
    return this.parts.deliveries.giveBack(claim, delayMs);
  }

  private tell({ event, attempt }: ClaimedDelivery, now: Date): void {
    const seconds = Math.max(0, now.getTime() - event.occurredAt.getTime()) / 1_000;
    this.parts.metrics.told(attempt === 1 ? 'first' : 'later', seconds);
  }

  /** Secrets that do not open are the operator's trouble: the receiver loses no attempt by it. */
  private async trySending(claim: ClaimedDelivery, now: Date, stop: AbortSignal): Promise<PostingOutcome> {
    try {
      return await this.send(claim, now, stop);
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      return { kind: 'no-way-out', reason: error.message };
    }
  }

  private async send(claim: ClaimedDelivery, now: Date, stop: AbortSignal): Promise<PostingOutcome> {
    const [keys, message] = await Promise.all([this.keys.run(claim.webhookId), this.messageOf(claim)]);
    if (keys === null) return { kind: 'refused', reason: 'The webhook is not in this region any more.' };
    if (message === null) return { kind: 'unreachable', reason: 'The event could not be put together.' };
    const outcome = await this.parts.sender.post({
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
    return outcome.kind === 'answered' ? { ...outcome, body: keepable(outcome.body, message) } : outcome;
  }

  /** Null for an event that cannot be told: it uses up its attempts instead of coming back for ever. */
  private async messageOf(claim: ClaimedDelivery): Promise<Message | null> {
    try {
      return await deliveryMessage(claim, () => this.parts.roomSecrets(claim));
    } catch (error) {
      if (isOutage(error) || error instanceof SealBroken) throw error;
      this.parts.logger.error({ deliveryId: claim.id, err: error }, 'payload could not be put together');
      return null;
    }
  }

  private async record(attempt: SettledAttempt): Promise<void> {
    const { id: deliveryId, attempt: number, webhookId } = attempt.claim;
    if (!(await this.settle(attempt))) {
      this.parts.logger.error({ deliveryId, attempt: number }, 'delivery took longer than its claim');
      return;
    }
    const { kind: why } = attempt.verdict;
    if (why === 'exhausted' || why === 'gone') {
      this.parts.logger.info({ deliveryId, attempt: number, webhookId, why }, 'delivery failed for good');
    }
  }

  /** What the receiver has heard it is not told again just because the database was away for a moment. */
  private async settle(attempt: SettledAttempt): Promise<boolean> {
    const giveUpAt = performance.now() + SETTLE_PATIENCE_MS;
    for (;;) {
      try {
        return await this.settling.run(attempt);
      } catch (error) {
        if (!isOutage(error) || this.stop.aborted || performance.now() > giveUpAt) throw error;
        await pause(SETTLE_PAUSE_MS);
      }
    }
  }
}
