import type { PrismaClient } from '../generated/client';
import { IS_TOLD } from './webhook-conditions';

/** How far behind the deliveries to URLs are, and how their endpoints are. */
export interface Backlog {
  /** Deliveries waiting or under way, those waiting for a retry included. */
  readonly unfinished: number;
  /** Age of the oldest delivery that is due and not done, of webhooks that are told things, in seconds; 0: there is none. */
  readonly oldestDueSeconds: number;
  /**
   * Age of the oldest event that a webhook which is told things has not been told, in seconds; also when it waits for a
   * retry, for its turn, for a breaker, or for the relay.
   */
  readonly oldestUndeliveredSeconds: number;
  /** Events that the relay has not taken yet. */
  readonly unrelayed: number;
  /** Webhooks by what their endpoint is like; each is counted once. */
  readonly endpoints: EndpointCounts;
}

export const ENDPOINT_STATES = [
  'closed',
  'half_open',
  'open',
  'paused',
  'suspended',
  'disabled',
  'unproven',
  'account_disabled',
] as const;
export type EndpointState = (typeof ENDPOINT_STATES)[number];
export type EndpointCounts = Readonly<Record<EndpointState, number>>;

interface BacklogRow {
  unfinished: number;
  due: number;
  undelivered: number;
  unrelayed: number;
}

/** Figures for operators. */
export class BacklogStore {
  constructor(private readonly prisma: PrismaClient) {}

  async backlog(): Promise<Backlog> {
    const [row] = await this.prisma.$queryRaw<BacklogRow[]>`
      SELECT count(*)::int AS unfinished,
        coalesce(extract(epoch FROM now() - min(d."nextAttemptAt") FILTER (WHERE d."nextAttemptAt" <= now()
          AND w.breaker <> 'open' AND ${IS_TOLD})), 0)::float8 AS due,
        greatest(0, extract(epoch FROM now() - least(min(d."createdAt") FILTER (WHERE ${IS_TOLD}),
          (SELECT min("occurredAt") FROM "OutboxEvent" WHERE "relayedAt" IS NULL))))::float8 AS undelivered,
        (SELECT count(*)::int FROM "OutboxEvent" WHERE "relayedAt" IS NULL) AS unrelayed
      FROM "WebhookDelivery" d JOIN "Webhook" w ON w.id = d."webhookId"
      WHERE w.type = 'url' AND d.state IN ('pending', 'sending')`;
    const { unfinished = 0, due = 0, undelivered = 0, unrelayed = 0 } = row ?? {};
    const endpoints = await this.endpoints();
    return { unfinished, oldestDueSeconds: due, oldestUndeliveredSeconds: undelivered, unrelayed, endpoints };
  }

  private async endpoints(): Promise<EndpointCounts> {
    const rows = await this.prisma.$queryRaw<{ state: EndpointState; count: number }[]>`
      SELECT CASE WHEN w."accountDisabled" THEN 'account_disabled' WHEN w."disabledAt" IS NOT NULL THEN 'disabled' WHEN w."suspendedAt" IS NOT NULL THEN 'suspended'
        WHEN w."pausedAt" IS NOT NULL THEN 'paused' WHEN NOT w.validated THEN 'unproven' ELSE w.breaker::text END AS state,
        count(*)::int AS count
      FROM "Webhook" w WHERE w.type = 'url' AND w."removedAt" IS NULL GROUP BY 1`;
    const found = new Map(rows.map(({ state, count }) => [state, count]));
    const counted = ENDPOINT_STATES.map((state) => [state, found.get(state) ?? 0] as const);
    return Object.fromEntries(counted) as Record<EndpointState, number>;
  }
}
