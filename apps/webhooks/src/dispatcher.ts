import { setMaxListeners } from 'node:events';
import { cryptoIds, nextAttemptDelayMs, type Clock } from '@parley/domain';
import {
  BacklogStore,
  BreakerStore,
  DeliveryStore,
  DeliveryUpkeepStore,
  OutboxRelayStore,
  StandingJobsStore,
  ValidationStore,
  WebhookSecrets,
  type ClaimedDelivery,
  type Database,
} from '@parley/persistence';
import type { RoomSecrets } from '@parley/protocol-xroom';
import type { DeliveryQueue, JobConsumer } from '@parley/queue';
import { AllowedReceivers, WokenLoop, type Logger } from '@parley/server-kit';
import type { WebhooksConfig } from './config';
import { ClaimsUnderWay } from './delivery/claims-under-way';
import { DeliveryWorker } from './delivery/delivery-worker';
import { JobFeeder } from './delivery/job-feeder';
import { SlowLane } from './delivery/slow-lane';
import type { NextDelay } from './delivery/verdict';
import type { DispatcherMetrics } from './dispatcher.metrics';
import { OutboxRelay } from './outbox/outbox-relay';
import { listenForOutbox, type WakeUps } from './outbox/wake-ups';
import { WebhookSender } from './sender/webhook-sender';
import { Retention } from './sweeper/retention';
import { Sweeper } from './sweeper/sweeper';
import { VALIDATION_RETRIES_MS, ValidationWorker } from './validation/validation-worker';

/** What the dispatcher is given; database and queue are closed by whoever opened them. */
export interface DispatcherParts {
  readonly config: WebhooksConfig;
  readonly database: Database;
  readonly queue: DeliveryQueue;
  readonly metrics: DispatcherMetrics;
  readonly logger: Logger;
  /** Tells the gateways that there are deliveries for robots. */
  readonly callRobots: () => void;
  readonly clock?: Clock;
  /** Tests shorten these. */
  readonly sender?: WebhookSender;
  readonly nextDelay?: NextDelay;
  readonly validationRetriesMs?: readonly number[];
  readonly claimMs?: number;
  readonly slowAfterMs?: number;
}

const systemClock: Clock = { now: () => new Date() };
/** Retries due within two sweeps are waited for here, later ones by the sweeper; neither takes anybody's place meanwhile. */
const SWEEPS_AHEAD = 2;
/** A receiver that takes longer than this is slow. */
const SLOW_AFTER_MS = 500;
/** What one domain may take at most of the places for handshakes, and of the slow lane. */
const DOMAIN_SHARE = 0.25;
/** How often the backlog is counted for operators. */
const BACKLOG_MS = 10_000;
/** How long the deliveries of a process that died wait for another; a claim is renewed well before. */
const CLAIM_MS = 10_000;

/** The dispatcher: relay, workers, handshakes and sweeper of one process. Several may run in a region. */
export class Dispatcher {
  private readonly stop = new AbortController();
  private readonly sender: WebhookSender;
  private readonly outbox: OutboxRelay;
  private readonly relay: WokenLoop;
  private readonly sweeper: WokenLoop;
  private readonly retention: WokenLoop;
  private readonly claims: ClaimsUnderWay;
  private readonly feeder: JobFeeder;
  private readonly slowLane: SlowLane;
  private readonly deliveries: DeliveryWorker;
  private readonly validations: ValidationWorker;
  private consumer: JobConsumer | undefined;
  private wakeUps: WakeUps | undefined;

  constructor(private readonly parts: DispatcherParts) {
    // Everything that is being sent listens to it.
    setMaxListeners(0, this.stop.signal);
    this.sender = parts.sender ?? createSender(parts.config);
    this.feeder = this.createFeeder();
    this.slowLane = new SlowLane({
      slowAfterMs: parts.slowAfterMs ?? SLOW_AFTER_MS,
      atMost: parts.config.WEBHOOKS_SLOW_AT_ONCE,
      // Who has all the shared places answers quickly: that is nobody's loss.
      perDomain: Math.max(
        parts.config.WEBHOOKS_DELIVERIES_AT_ONCE,
        Math.ceil(parts.config.WEBHOOKS_SLOW_AT_ONCE * DOMAIN_SHARE),
      ),
      failed: (error) => parts.logger.error({ err: error }, 'a slow delivery failed; the sweeper finds its row'),
    });
    const { prisma } = parts.database;
    const { metrics, callRobots } = parts;
    this.outbox = new OutboxRelay(
      new OutboxRelayStore(prisma),
      new StandingJobsStore(prisma),
      this.feeder,
      metrics,
      callRobots,
    );
    this.relay = this.createRelay();
    this.sweeper = this.createSweeper();
    this.retention = this.createRetention();
    const store = new DeliveryStore(parts.database.prisma);
    this.claims = new ClaimsUnderWay({ deliveries: store, claimMs: parts.claimMs ?? CLAIM_MS, logger: parts.logger });
    this.deliveries = this.createDeliveryWorker(store);
    this.validations = this.createValidationWorker();
  }

  start(): void {
    const { config, queue, logger } = this.parts;
    this.claims.start();
    this.consumer = queue.consume(
      {
        delivery: (job) => this.deliveries.deliver(job),
        validation: (job) => this.validations.validate(job),
        failed: (jobId, error) => logger.error({ jobId, err: error }, 'job failed; the sweeper finds its row'),
      },
      { deliveries: config.WEBHOOKS_DELIVERIES_AT_ONCE, validations: config.WEBHOOKS_VALIDATIONS_AT_ONCE },
    );
    this.wakeUps = listenForOutbox(config.REDIS_URL, logger, () => {
      this.outbox.ring();
      this.relay.wake();
    });
    this.relay.wake();
    this.sweeper.wake();
    this.retention.wake();
  }

  /**
   * Takes nothing new, lets what is under way finish for a while, then gives the rest back: an interrupted attempt counts
   * for nothing and another dispatcher does it again.
   */
  async close(): Promise<void> {
    const { WEBHOOKS_DRAIN_MS } = this.parts.config;
    const giveUp = setTimeout(() => this.stop.abort(), WEBHOOKS_DRAIN_MS);
    const loops = [this.relay, this.sweeper, this.retention].map((loop) => loop.close());
    await Promise.all([this.wakeUps?.close(), ...loops, this.consumer?.close()]);
    await this.slowLane.close();
    clearTimeout(giveUp);
    await this.feeder.close();
    this.stop.abort();
    await this.claims.close();
    await this.sender.close();
  }

  private createFeeder(): JobFeeder {
    const { config, database, queue, logger } = this.parts;
    const options = {
      atOnce: config.WEBHOOKS_AT_ONCE_PER_WEBHOOK,
      perSecond: config.WEBHOOKS_PER_SECOND_PER_WEBHOOK,
      doubtAfterMs: config.WEBHOOKS_DOUBT_AFTER_MS,
      horizonMs: SWEEPS_AHEAD * config.WEBHOOKS_SWEEP_MS,
    };
    return new JobFeeder(new StandingJobsStore(database.prisma), queue, options, logger);
  }

  private createRelay(): WokenLoop {
    const { config, logger } = this.parts;
    const run = (): Promise<boolean> => this.outbox.relayOnce();
    return new WokenLoop({ name: 'relay', everyMs: config.WEBHOOKS_POLL_MS, run, logger });
  }

  private createSweeper(): WokenLoop {
    const { config, database, queue, metrics, logger } = this.parts;
    const { prisma, region } = database;
    const sweeper = new Sweeper({
      jobs: new StandingJobsStore(prisma),
      upkeep: new DeliveryUpkeepStore(prisma),
      breakers: new BreakerStore(prisma, region.id),
      backlog: new BacklogStore(prisma),
      validations: new ValidationStore(prisma, region.id),
      secrets: new WebhookSecrets(prisma, database.sealer),
      queue,
      feeder: this.feeder,
      metrics,
      logger,
      wakeRelay: () => this.relay.wake(),
      doubtAfterMs: config.WEBHOOKS_DOUBT_AFTER_MS,
      everyMs: { breakers: config.WEBHOOKS_BREAKER_MS, backlog: BACKLOG_MS },
    });
    const run = async (): Promise<boolean> => {
      await sweeper.sweep();
      return false;
    };
    return new WokenLoop({ name: 'sweeper', everyMs: config.WEBHOOKS_SWEEP_MS, run, logger });
  }

  private createRetention(): WokenLoop {
    const { config, database, metrics, logger } = this.parts;
    const retention = new Retention({ upkeep: new DeliveryUpkeepStore(database.prisma), metrics, logger });
    return new WokenLoop({
      name: 'retention',
      everyMs: config.WEBHOOKS_RETENTION_MS,
      run: () => retention.step(),
      logger,
    });
  }

  private createDeliveryWorker(deliveries: DeliveryStore): DeliveryWorker {
    const { config, database, metrics, logger, clock = systemClock } = this.parts;
    return new DeliveryWorker(
      {
        deliveries,
        claims: this.claims,
        slowLane: this.slowLane,
        secrets: new WebhookSecrets(database.prisma, database.sealer),
        roomSecrets: (claim) => this.roomSecrets(claim),
        sender: this.sender,
        feeder: this.feeder,
        nextDelay: this.parts.nextDelay ?? ((failed, last) => nextAttemptDelayMs(failed, last, Math.random)),
        clock,
        metrics,
        logger,
        deadlineMs: config.WEBHOOKS_DELIVERY_DEADLINE_MS,
      },
      this.stop.signal,
    );
  }

  private createValidationWorker(): ValidationWorker {
    const { config, database, metrics, logger, clock = systemClock } = this.parts;
    return new ValidationWorker(
      {
        validations: new ValidationStore(database.prisma, database.region.id),
        secrets: new WebhookSecrets(database.prisma, database.sealer),
        sender: this.sender,
        feeder: this.feeder,
        ids: cryptoIds,
        clock,
        metrics,
        logger,
        deadlineMs: config.WEBHOOKS_VALIDATION_DEADLINE_MS,
        atOncePerDomain: Math.ceil(config.WEBHOOKS_VALIDATIONS_AT_ONCE * DOMAIN_SHARE),
        retriesMs: this.parts.validationRetriesMs ?? VALIDATION_RETRIES_MS,
      },
      this.stop.signal,
    );
  }

  private async roomSecrets({ event }: ClaimedDelivery): Promise<RoomSecrets> {
    if (event.roomSessionId === null) return { password: null, hostKey: null };
    const room = await this.parts.database.stores.rooms.findById(event.roomSessionId);
    return { password: room?.password ?? null, hostKey: room?.hostKey ?? null };
  }
}

function createSender(config: WebhooksConfig): WebhookSender {
  const { WEBHOOKS_EXTRA_PORTS: extraPorts, WEBHOOKS_EGRESS_PROXY: proxyUrl } = config;
  const allowed = new AllowedReceivers(config.WEBHOOKS_ALLOWED_RECEIVERS);
  return new WebhookSender({ extraPorts, allowed, ...(proxyUrl !== undefined && { proxyUrl }) });
}
