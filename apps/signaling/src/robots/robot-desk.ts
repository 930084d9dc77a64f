import {
  brandAs,
  isDomainError,
  type DeliveryId,
  type RobotId,
  type SessionId,
  type WebhookDeliveryEvent,
} from '@parley/domain';
import type { LiveSessions, OwnedSession } from '@parley/live';
import { isOutage, type HandedDelivery, type RobotDeliveryStore, type WaitingWebhook } from '@parley/persistence';
import { wireError, type WireError } from '@parley/protocol-spreed-signaling';
import { WokenLoop, type Logger, type Metrics } from '@parley/server-kit';
import { rightOf } from '../spreed/entry-right';
import { deliveryEvent, openedDelivery, type DeliverySealer, type SecretsOf } from './delivery-event';
import { placesFor } from './places';
import type { Present } from './present';
import { RobotFigures } from './robot-figures';
import type { RobotRoll } from './robot-roll';

/** Times of robots, in milliseconds. */
export interface RobotTimes {
  /** What was not acknowledged by then is handed over again; the same on all replicas. */
  readonly ackMs: number;
  /** How often it is looked without a bell: bells may be lost, and deliveries become due by themselves. */
  readonly lookMs: number;
}

export const ROBOT_TIMES: RobotTimes = { ackMs: 30_000, lookMs: 1_000 };

/** Deliveries that a session of a robot may hold without having acknowledged them. */
export const MOST_UNACKNOWLEDGED = 16;

/** What clients hear in the bye. */
export const ROBOT_REMOVED = 'robot_removed';

/** Who acknowledged nothing for so many times the time for one delivery was away as a whole, and choked on no single one. */
const AWAY_AFTER = 2;

/** Taken back at most in one round. */
const LAPSE_BATCH = 100;

export interface RobotDeskParts {
  readonly deliveries: Pick<
    RobotDeliveryStore,
    'waiting' | 'unacknowledged' | 'hand' | 'takeBack' | 'acknowledge' | 'letGo' | 'lapse' | 'refuse' | 'freshStart'
  >;
  readonly roll: RobotRoll;
  readonly sessions: Pick<LiveSessions, 'toSession' | 'end'>;
  readonly secretsOf: SecretsOf;
  readonly sealer: DeliverySealer;
  readonly times: RobotTimes;
  readonly metrics: Metrics;
  readonly logger: Pick<Logger, 'error' | 'warn' | 'debug'>;
}

/**
 * Hands deliveries of robot webhooks to the robots that are connected to this replica. What was handed to whom stands in
 * PostgreSQL alone: another replica, or this one started anew, goes on from there.
 */
export class RobotDesk {
  private readonly present = new Map<SessionId, Present>();
  private readonly loop: WokenLoop;
  private readonly figures: RobotFigures;
  /** A store did not answer in the last round. */
  private away = false;

  constructor(private readonly parts: RobotDeskParts) {
    this.figures = new RobotFigures(parts.metrics);
    const run = async (): Promise<boolean> => {
      await this.round();
      return false;
    };
    this.loop = new WokenLoop({ name: 'robots', everyMs: parts.times.lookMs, run, logger: parts.logger });
    this.loop.wake();
  }

  /** There may be something to hand over, or a robot may have been removed. */
  wake(): void {
    this.loop.wake();
  }

  async close(): Promise<void> {
    await this.loop.close();
  }

  /**
   * A robot's session is connected here, newly opened or resumed. Others are nobody's business at this desk. What was to
   * be handed to it later comes at once; what lapses yet, as it went to a connection that is dead, comes when it does.
   */
  arrived(session: OwnedSession): void {
    const right = rightOf(session.record);
    if (right.kind !== 'robot') return;
    const { robot, keyMark } = right;
    const heardAt = performance.now();
    const settledAt = heardAt + this.parts.times.ackMs + this.parts.times.lookMs;
    const its: Present = { session, robot, keyMark, awaited: new Map(), silent: false, heardAt, settledAt };
    this.present.set(session.record.id, its);
    this.figures.connected(this.present.size);
    this.startAfresh(robot);
  }

  /** It is connected elsewhere or nowhere. What it holds it may still acknowledge, or its time passes. */
  departed({ record }: OwnedSession): void {
    this.present.delete(record.id);
    this.figures.connected(this.present.size);
  }

  /** It said good-bye: what it holds is for others. */
  async left({ record }: OwnedSession): Promise<void> {
    if (record.kind !== 'robot') return;
    await this.parts.deliveries.letGo(record.id);
    this.wake();
  }

  /**
   * @returns what it is told when it was never handed this
   * @throws when the database does not answer
   */
  async acknowledge({ record }: OwnedSession, delivery: string): Promise<WireError | undefined> {
    const right = rightOf(record);
    if (right.kind !== 'robot') return wireError('no_such_delivery');
    const outcome = await this.parts.deliveries.acknowledge(right.robot, delivery);
    if (outcome === 'unknown') return wireError('no_such_delivery');
    this.figures.count('acknowledged');
    const its = this.present.get(record.id);
    if (its === undefined) this.wake();
    else this.heard(its, brandAs<DeliveryId>(delivery));
    return undefined;
  }

  private heard(its: Present, delivery: DeliveryId): void {
    const now = performance.now();
    const wasAway = its.silent && now - its.heardAt > AWAY_AFTER * this.parts.times.ackMs;
    its.awaited.delete(delivery);
    its.silent = false;
    its.heardAt = now;
    if (wasAway) this.startAfresh(its.robot);
    else this.wake();
  }

  /** What a robot is written of it; undefined when that does not open, and is handed over again later. */
  opened(event: WebhookDeliveryEvent): WebhookDeliveryEvent | undefined {
    try {
      return openedDelivery(event, this.parts.sealer);
    } catch (error) {
      this.parts.logger.error({ deliveryId: event.body.id, err: error }, 'a delivery does not open');
      return undefined;
    }
  }

  /** Whether its robot was removed or has another key by now. While that cannot be told, it is not. */
  async isShutOut({ record }: OwnedSession): Promise<boolean> {
    const right = rightOf(record);
    if (right.kind !== 'robot') return false;
    return this.parts.roll.isOn(right).then(
      (isOn) => !isOn,
      () => false,
    );
  }

  private async round(): Promise<void> {
    const { deliveries } = this.parts;
    try {
      this.figures.count('lapsed', await deliveries.lapse(LAPSE_BATCH));
      this.away = false;
      if (this.present.size === 0) return;
      this.noteSilence();
      const strangers = await this.throwOutStrangers();
      await this.startSettled();
      await this.handAll(strangers);
    } catch (error) {
      if (!isAway(error)) throw error;
      if (!this.away) this.parts.logger.warn({ reason: String(error) }, 'robots are handed nothing: a store is away');
      this.away = true;
    }
  }

  /** Counted here from before the hand-over, so it is noted before anybody takes the delivery back. */
  private noteSilence(): void {
    const latest = performance.now() - this.parts.times.ackMs;
    for (const its of this.present.values()) {
      for (const [id, at] of its.awaited) {
        if (at > latest) continue;
        its.awaited.delete(id);
        its.silent = true;
      }
    }
  }

  /** What a connection that died had been handed has lapsed by now: whoever came since is there for it. */
  private async startSettled(): Promise<void> {
    const now = performance.now();
    const settled = [...this.present.values()].filter(({ settledAt }) => settledAt !== undefined && settledAt <= now);
    for (const robot of new Set(settled.map(({ robot }) => robot))) await this.parts.deliveries.freshStart(robot);
    for (const its of settled) its.settledAt = undefined;
  }

  /** Those whose robot was removed, or has another connect key by now. Answers which of them are still here. */
  private async throwOutStrangers(): Promise<ReadonlySet<SessionId>> {
    const { sessions, deliveries, logger } = this.parts;
    const stillHere = new Set<SessionId>();
    const all = [...this.present.values()];
    const known = await this.parts.roll.keyMarks([...new Set(all.map(({ robot }) => robot))]);
    for (const { session, robot, keyMark } of all) {
      if (known.get(robot) === keyMark) continue;
      const { id } = session.record;
      try {
        await sessions.end(id, ROBOT_REMOVED);
      } catch (error) {
        // The next round tries again; the other robots are not to wait for that.
        if (isAway(error)) throw error;
        logger.warn({ sessionId: id, reason: String(error) }, 'a robot with no right to be here is not thrown out yet');
        stillHere.add(id);
        continue;
      }
      this.departed(session);
      await deliveries.letGo(id);
    }
    return stillHere;
  }

  private async handAll(strangers: ReadonlySet<SessionId>): Promise<void> {
    const { deliveries } = this.parts;
    const waiting = await deliveries.waiting([...new Set([...this.present.values()].map(({ robot }) => robot))]);
    if (waiting.length === 0) return;
    const robots = new Set(waiting.map(({ robot }) => robot));
    const able = [...this.present.values()].filter(
      ({ robot, session }) => robots.has(robot) && !strangers.has(session.record.id),
    );
    const held = new Map(await deliveries.unacknowledged(able.map(({ session }) => session.record.id)));
    for (const webhook of waiting) await this.hand(webhook, able, held);
  }

  private async hand(webhook: WaitingWebhook, able: readonly Present[], held: Map<SessionId, number>): Promise<void> {
    const its = able.filter(({ robot, session }) => robot === webhook.robot && this.present.has(session.record.id));
    const free = its.map(({ session: { record }, silent }) => ({
      session: record.id,
      places: (silent ? 1 : MOST_UNACKNOWLEDGED) - (held.get(record.id) ?? 0),
    }));
    const now = performance.now();
    const handed = await this.parts.deliveries.hand(webhook, placesFor(free));
    for (const { id, session } of handed) {
      held.set(session, (held.get(session) ?? 0) + 1);
      this.present.get(session)?.awaited.set(id, now);
    }
    // One after the other to the same session, in the order of the events.
    await Promise.all(
      its.map(async ({ session: { record } }) => {
        for (const delivery of handed) if (delivery.session === record.id) await this.send(delivery);
      }),
    );
  }

  private async send(delivery: HandedDelivery): Promise<void> {
    const { deliveries, sessions, logger } = this.parts;
    const its = this.present.get(delivery.session);
    if (its === undefined) return deliveries.takeBack(delivery);
    const event = await this.eventOf(delivery);
    if (event === 'untold') return deliveries.refuse(delivery, 'The event could not be put together.');
    const { tenant } = its.session.record;
    const sent =
      event !== 'away' &&
      (await sessions.toSession(tenant, delivery.session, event).catch((error: unknown) => {
        logger.debug({ deliveryId: delivery.id, reason: String(error) }, 'a delivery did not reach its robot');
      })) === 'sent';
    this.figures.count(sent ? 'handed' : 'not_sent');
    if (sent) return;
    its.awaited.delete(delivery.id);
    await deliveries.takeBack(delivery);
  }

  private async eventOf(delivery: HandedDelivery): Promise<WebhookDeliveryEvent | 'away' | 'untold'> {
    try {
      return await deliveryEvent(delivery, this.parts.secretsOf, this.parts.sealer);
    } catch (error) {
      if (isAway(error)) return 'away';
      this.parts.logger.error({ deliveryId: delivery.id, err: error }, 'payload could not be put together');
      return 'untold';
    }
  }

  /** What was to be handed over later is handed over now: the robot shows that it is well. */
  private startAfresh(robot: RobotId): void {
    this.parts.deliveries
      .freshStart(robot)
      .catch((error: unknown) => {
        this.parts.logger.warn({ reason: String(error) }, 'a robot waits longer than it had to');
      })
      .finally(() => this.wake());
  }
}

/** Whether a store could not be asked: the next round asks again. */
function isAway(error: unknown): boolean {
  return isOutage(error) || isDomainError(error, 'unavailable');
}
