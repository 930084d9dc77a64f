import { Cluster, Redis } from 'ioredis';
import type { LiveLogger } from '../engine/context';
import type { Bus, Topic } from '../store';
import type { RedisTarget } from './config';
import { nodeOptions, openCluster, retryDelay, type RedisConnection } from './connection';
import type { Keys } from './keys';

/** How many channels one command renews. */
const AT_ONCE = 500;

/** How long a cluster's subscriptions may fail before another client tries, in milliseconds. */
const STUCK_MS = 3_000;

/**
 * Subscriptions, over connections of their own: one to one node, on a cluster one to each for its sharded channels.
 * After every break all channels are subscribed anew and the replica is told to read its logs.
 */
export class RedisBus implements Bus {
  private readonly listeners = new Map<string, (text: string) => void>();
  private readonly interrupted: (() => void)[] = [];
  private subscriber: Redis | Cluster;
  private wasReady = false;
  /** Since when channels cannot be subscribed. */
  private failingSince: number | undefined;
  private renewing: Promise<void> | undefined;
  private renewAgain = false;
  private closed = false;

  constructor(
    private readonly target: RedisTarget,
    private readonly connection: RedisConnection,
    private readonly keys: Keys,
    private readonly logger: LiveLogger,
  ) {
    this.subscriber = this.open();
  }

  private open(): Redis | Cluster {
    const { target } = this;
    const hear = (channel: string, text: string) => this.listeners.get(channel)?.(text);
    if ('url' in target) {
      const subscriber = new Redis(target.url, {
        ...nodeOptions(target),
        retryStrategy: retryDelay,
        autoResubscribe: false,
      });
      subscriber.on('message', hear);
      subscriber.on('ready', () => void this.renew());
      subscriber.on('error', () => undefined); // the command connection reports
      return subscriber;
    }
    const subscriber = openCluster(target);
    subscriber.on('smessage', hear);
    subscriber.on('error', () => undefined);
    subscriber.once('ready', () => (this.wasReady = true));
    for (const event of ['ready', '+node', '-node', 'subscribersReady']) subscriber.on(event, () => void this.renew());
    return subscriber;
  }

  /** A cluster's client that was cut off while it looked for its nodes may never find them again. */
  private replaceIfStuck(): void {
    const stuck = this.subscriber;
    if (!(stuck instanceof Cluster) || performance.now() - (this.failingSince ?? Infinity) < STUCK_MS) return;
    this.failingSince = undefined;
    this.subscriber = this.open();
    stuck.disconnect();
  }

  async listen(topic: Topic, listener: (text: string) => void): Promise<void> {
    const channel = this.keys.channel(topic);
    const known = this.listeners.has(channel);
    this.listeners.set(channel, listener);
    try {
      // Also when it is known: the caller must not go on before the subscription stands.
      await this.connection.guard(() => this.subscribe([channel]));
    } catch (error) {
      if (!known && this.listeners.get(channel) === listener) this.listeners.delete(channel);
      this.renewAgain = true;
      throw error;
    }
  }

  async unlisten(topic: Topic): Promise<void> {
    const channel = this.keys.channel(topic);
    if (!this.listeners.delete(channel)) return;
    await this.connection.guard(async () => {
      if (this.subscriber instanceof Cluster) await this.subscriber.sunsubscribe(channel);
      else await this.subscriber.unsubscribe(channel);
    });
  }

  onInterrupted(listener: () => void): void {
    this.interrupted.push(listener);
  }

  /** An answer on the connection that subscriptions come on comes after them. A cluster has several. */
  fence(): Promise<unknown> | undefined {
    return this.subscriber instanceof Redis ? this.subscriber.ping() : undefined;
  }

  async check(): Promise<void> {
    if (this.renewAgain) {
      this.replaceIfStuck();
      void this.renew();
    }
    const { subscriber } = this;
    if (!(subscriber instanceof Redis) || subscriber.status !== 'ready') return;
    try {
      await subscriber.ping();
    } catch {
      // Half open: nothing arrives and nobody says so.
      subscriber.disconnect(true);
    }
  }

  close(): void {
    this.closed = true;
    this.subscriber.disconnect();
  }

  private async subscribe(channels: string[]): Promise<void> {
    if (this.subscriber instanceof Redis) {
      await this.subscriber.subscribe(...channels);
      return;
    }
    // What it is given while it has no nodes waits without limit.
    if (this.wasReady && this.subscriber.status !== 'ready') throw new Error('The cluster is not connected.');
    // One slot per command.
    for (const channel of channels) await this.subscriber.ssubscribe(channel);
  }

  /** Subscribes everything anew, then tells that something may have been missed. */
  private renew(): Promise<void> {
    if (this.renewing) this.renewAgain = true;
    this.renewing ??= this.renewAll().finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  private async renewAll(): Promise<void> {
    do {
      this.renewAgain = false;
      try {
        const channels = [...this.listeners.keys()];
        for (let start = 0; start < channels.length; start += AT_ONCE) {
          await this.subscribe(channels.slice(start, start + AT_ONCE));
        }
      } catch (error) {
        if (this.closed) return;
        this.logger.warn({ error: String(error) }, 'live channels are not subscribed');
        this.renewAgain = true; // with the next check
        this.failingSince ??= performance.now();
        return;
      }
    } while (this.renewAgain);
    this.failingSince = undefined;
    for (const listener of this.interrupted) listener();
  }
}
