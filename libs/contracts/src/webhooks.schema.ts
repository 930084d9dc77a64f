import { z } from 'zod';

/** Webhooks over our REST API, `/v1/webhooks`. Secrets are shown once, in the answer that made them. */

const time = z.iso.datetime();
const domainName = z.string().min(1).max(253);
const roomName = z.string().min(1).max(256);

/** The events a webhook can list, by the names its receiver reads. */
export const LISTED_EVENTS = [
  'roomCreated',
  'roomRemoved',
  'roomUpdated',
  'peerJoined',
  'peerLeft',
  'hostJoined',
  'bookingAdded',
  'bookingUpdated',
  'bookingRemoved',
  'bookingExpired',
  'webhookAlert',
] as const;

/** All events: those that can be listed and the test that only its own webhook is told. */
export const EVENT_NAMES = [...LISTED_EVENTS, 'webhookTest'] as const;

/** What is told of, by its name outside. */
export type EventName = (typeof EVENT_NAMES)[number];

export const eventNameSchema = z.enum(EVENT_NAMES);

const settings = {
  roomName: roomName.nullable().describe('Only events of this room; null: all rooms of the domain'),
  events: z.array(z.enum(LISTED_EVENTS)).min(1).max(LISTED_EVENTS.length).describe('What it is told of'),
  order: z
    .enum(['unordered', 'fifo'])
    .describe("`fifo`: a room's events one after the other; `unordered`: as fast as they can be"),
};
const url = z.string().min(1).max(2_048).describe('Where it is told; proves itself first with the webhook key');
const robotId = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const added = {
  domain: domainName,
  roomName: settings.roomName.default(null),
  events: settings.events.default(['roomCreated', 'roomRemoved']),
  order: settings.order.default('unordered'),
};

export const createWebhookSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('url'), url, ...added }),
    z.strictObject({
      type: z.literal('robot'),
      robotId: robotId.describe('A robot of the account, made with `POST /v1/robots`'),
      ...added,
    }),
  ])
  .meta({ id: 'CreateWebhook' });
export type CreateWebhook = z.infer<typeof createWebhookSchema>;

/** What is absent stays as it is. */
export const updateWebhookSchema = z
  .strictObject({ url: url.describe('It has to prove itself there before it is told anything more'), ...settings })
  .partial()
  .meta({ id: 'UpdateWebhook' });
export type UpdateWebhook = z.infer<typeof updateWebhookSchema>;

export const webhookSchema = z
  .strictObject({
    id: z.number().int(),
    domain: domainName,
    type: z.enum(['url', 'robot']),
    url: z.string().nullable(),
    robotId: robotId.nullable(),
    ...settings,
    // One that another version or the xroom API made may list nothing.
    events: z.array(eventNameSchema),
    state: z
      .enum(['pending', 'active', 'warning', 'suspended', 'paused', 'disabled'])
      .describe(
        'Told things: `active` and `warning` (its last re-validation failed). Deliveries wait: `pending` (it has to prove itself), ' +
          '`suspended` (three failed in a row) and `paused` (by its owner). Told nothing: `disabled`, until it is resumed',
      ),
    validated: z.boolean().describe('It has proved that it knows the webhook key, at the URL it has now'),
    failedValidations: z.number().int().describe('Re-validations in a row that failed'),
    lastValidationAt: time.nullable(),
    lastValidationError: z.string().nullable(),
    nextValidationAt: time.nullable(),
    suspendedAt: time.nullable(),
    pausedAt: time.nullable(),
    disabledAt: time.nullable(),
    disabledReason: z.string().nullable(),
    breaker: z.enum(['closed', 'open', 'half_open']).describe('`open`: it fails, so nothing is sent for a moment'),
    failingPercent: z
      .number()
      .int()
      .describe('It fails: 50, 70, 90 or 100 percent of the way to being disabled; 0 once it is well again'),
    detailed: z
      .boolean()
      .describe('Every body says event id, room session, seq and time; those of the xroom API do not'),
    createdAt: time,
  })
  .meta({ id: 'Webhook' });
export type WebhookView = z.infer<typeof webhookSchema>;

export const webhookDetailsSchema = webhookSchema
  .extend({
    deliveries: z
      .strictObject({
        waiting: z.number().int().describe('Not delivered yet, those that wait for their next attempt included'),
        oldestWaitingSince: time.nullable(),
        deliveredLastDay: z.number().int(),
        failedLastDay: z.number().int().describe('Given up'),
      })
      .describe('How its deliveries fare; 100,000 that wait, and 100,000 of the last day, are counted at most'),
  })
  .meta({ id: 'WebhookDetails' });
export type WebhookDetailsView = z.infer<typeof webhookDetailsSchema>;

const secret = z
  .string()
  .describe('Signs deliveries and handshakes (Standard Webhooks), `whsec_<base64>`; shown only now');

export const createdWebhookSchema = webhookSchema
  .extend({ secret: secret.nullable().describe('Null for a robot: it is told over its own connection') })
  .meta({ id: 'CreatedWebhook' });

export const webhookListSchema = z.strictObject({ webhooks: z.array(webhookSchema) }).meta({ id: 'WebhookList' });

export const validationOutcomeSchema = z
  .strictObject({
    validated: z.boolean().describe('Whether it is told; who passed before stays so through some failures'),
    lastValidationError: z.string().nullable().describe('Why this handshake failed; null also when it took over 5 s'),
  })
  .meta({ id: 'ValidationOutcome' });

export const webhookValidationSchema = z
  .strictObject({
    id: z.string(),
    cause: z.enum(['added', 'url_changed', 'requested', 'periodic']),
    startedAt: time,
    durationMs: z.number().int(),
    passed: z.boolean(),
    status: z.number().int().nullable().describe('HTTP status of the answer; null: there was none'),
    error: z.string().nullable(),
  })
  .meta({ id: 'WebhookValidation' });
export type WebhookValidationView = z.infer<typeof webhookValidationSchema>;

export const webhookValidationListSchema = z
  .strictObject({ validations: z.array(webhookValidationSchema).describe('Newest first') })
  .meta({ id: 'WebhookValidationList' });

export const testedWebhookSchema = z
  .strictObject({ eventId: z.string().describe('Find its delivery by it') })
  .meta({ id: 'TestedWebhook' });

export const rotateSecretSchema = z
  .strictObject({
    overlapHours: z.number().int().min(0).max(168).default(24).describe('How long the former one signs as well'),
  })
  .meta({ id: 'RotateSecret' });

export const rotatedSecretSchema = z
  .strictObject({ secret, formerSignsUntil: time.nullable().describe('Null: there was none, or it signs no more') })
  .meta({ id: 'RotatedSecret' });

export const webhookSecretListSchema = z
  .strictObject({
    secrets: z
      .array(
        z.strictObject({
          id: z.string(),
          createdAt: time,
          signsUntil: time.nullable().describe('Null: until replaced'),
        }),
      )
      .describe('Those that sign now, newest first; none: the webhook key of the domain signs'),
  })
  .meta({ id: 'WebhookSecretList' });
