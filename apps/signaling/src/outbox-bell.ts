import { createRedis, ringOutboxBell, type Logger } from '@parley/server-kit';

/** Wakes the relays of the outbox when a room began or ended here, so that webhooks hear of it at once. */
export class OutboxBell {
  private readonly redis;

  constructor(
    redisUrl: string,
    private readonly logger: Logger,
  ) {
    this.redis = createRedis(redisUrl, 'commands', logger);
  }

  readonly ring = (): void => {
    ringOutboxBell(this.redis).catch((error: unknown) => {
      // The relay looks by itself every few seconds.
      this.logger.debug({ err: error }, 'the outbox relay was not woken');
    });
  };

  close(): void {
    this.redis.disconnect();
  }
}
