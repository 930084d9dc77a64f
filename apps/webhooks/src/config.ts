import {
  commonSchema,
  integer,
  receiverSchema,
  loadEnv,
  secret,
  url,
  type Env,
  type LoadOptions,
} from '@parley/config';
import { z } from 'zod';

/** What the dispatcher reads from the environment. */
export const configSchema = z.object({
  ...commonSchema,
  ...receiverSchema,
  WEBHOOKS_DELIVERIES_AT_ONCE: integer(1, 1_000)
    .default(100)
    .describe('How many deliveries one dispatcher sends at the same time'),
  WEBHOOKS_VALIDATIONS_AT_ONCE: integer(1, 1_000)
    .default(20)
    .describe('How many validation handshakes one dispatcher does at the same time'),
  WEBHOOKS_SLOW_AT_ONCE: integer(1, 10_000)
    .default(1_000)
    .describe('How many deliveries to receivers that take their time may be under way besides, in one dispatcher'),
  WEBHOOKS_AT_ONCE_PER_WEBHOOK: integer(1, 100)
    .default(4)
    .describe('How many deliveries of one webhook may be queued or under way at the same time, in the whole region'),
  WEBHOOKS_PER_SECOND_PER_WEBHOOK: integer(1, 1_000)
    .default(50)
    .describe('How many deliveries of one webhook are sent in a second, in the whole region'),
  WEBHOOKS_EGRESS_PROXY: secret(url('http', 'https'))
    .optional()
    .describe(
      'Forward proxy through which receivers on the internet are called (CONNECT), with user and password if it wants them',
    ),
  WEBHOOKS_DELIVERY_DEADLINE_MS: integer(100, 60_000)
    .default(15_000)
    .describe('Milliseconds a receiver has for a whole delivery'),
  WEBHOOKS_VALIDATION_DEADLINE_MS: integer(100, 10_000)
    .default(3_000)
    .describe('Milliseconds a receiver has to answer a validation handshake'),
  WEBHOOKS_POLL_MS: integer(10, 60_000)
    .default(1_000)
    .describe('Milliseconds between two looks at the outbox when nobody says that there is something new'),
  WEBHOOKS_SWEEP_MS: integer(10, 60_000)
    .default(3_000)
    .describe('Milliseconds between two searches for due work that lost its job in Redis'),
  WEBHOOKS_DOUBT_AFTER_MS: integer(10, 600_000)
    .default(10_000)
    .describe('Milliseconds a due job may stand untaken before the sweeper looks whether Redis still has it'),
  WEBHOOKS_BREAKER_MS: integer(10, 600_000)
    .default(30_000)
    .describe('Milliseconds between two looks at which receivers mostly fail'),
  WEBHOOKS_RETENTION_MS: integer(10, 3_600_000)
    .default(60_000)
    .describe('Milliseconds between two looks for events that their domain keeps no longer'),
  WEBHOOKS_DRAIN_MS: integer(0, 60_000)
    .default(10_000)
    .describe('Milliseconds that deliveries under way may take after SIGTERM before they are given back'),
});

/** @throws {ConfigError} */
export const readConfig = (env: Env, options?: LoadOptions) => loadEnv(configSchema, env, options);

export type WebhooksConfig = ReturnType<typeof readConfig>;
