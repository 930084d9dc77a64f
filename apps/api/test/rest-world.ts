import { createdWebhookSchema, type WebhookView } from '@parley/contracts';
import { brandAs, type DomainName, type NewOutboxEvent, type RoomName } from '@parley/domain';
import { type Database, OutboxRelayStore } from '@parley/persistence';
import type { RestClient } from './rest';
import { DOMAIN, openTestDatabase, type TestApi } from './running-api';

type Told = Pick<NewOutboxEvent, 'type'> & { readonly room?: string; readonly domain?: string };

/** What the other services would do around an api under test. */
export class RestWorld {
  readonly database: Database;
  private readonly relay: OutboxRelayStore;

  constructor(api: TestApi) {
    this.database = openTestDatabase(api);
    this.relay = new OutboxRelayStore(this.database.prisma);
  }

  /** Adds a webhook over the API and passes its handshake meanwhile, as the dispatcher would. */
  async webhook(client: RestClient, body: Record<string, unknown>): Promise<WebhookView & { secret: string | null }> {
    const adding = client('POST', 'webhooks', { domain: DOMAIN, type: 'url', ...body });
    const settled = this.settleHandshakes();
    const { status, json } = await adding;
    await settled.stop();
    expect([status, json]).toEqual([201, expect.anything()]);
    return createdWebhookSchema.parse(json);
  }

  /** Passes every handshake that is due until it is stopped. */
  settleHandshakes(): { stop(): Promise<void> } {
    let isStopped = false;
    const pass = async () => {
      while (!isStopped) {
        const now = new Date();
        await this.database.prisma.webhook.updateMany({
          where: { nextValidationAt: { lte: now }, type: 'url' },
          data: {
            ...{ validated: true, provenAt: now, lastValidationAt: now },
            ...{ nextValidationAt: null, handshakeAwaited: false },
          },
        });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const passing = pass();
    return {
      stop: async () => {
        isStopped = true;
        await passing;
      },
    };
  }

  /** Commits events, without telling the relay. Answers their ids. */
  async happens(...events: readonly Told[]): Promise<string[]> {
    const ids: string[] = [];
    for (const { type, room, domain = DOMAIN } of events) {
      const event = {
        type,
        domain: brandAs<DomainName>(domain),
        roomName: room === undefined ? null : brandAs<RoomName>(room),
        roomSessionId: null,
        payload: PAYLOADS[type] ?? {},
        occurredAt: new Date(),
      } as NewOutboxEvent;
      ids.push(await this.database.uow.run(({ outbox }) => outbox.append(event)));
    }
    return ids;
  }

  /** Commits an alert about a webhook. */
  async alert(webhookId: number): Promise<void> {
    const domain = brandAs<DomainName>(DOMAIN);
    const payload = { webhookId, reason: 'warning' } as const;
    const place = { domain, roomName: null, roomSessionId: null, occurredAt: new Date() };
    await this.database.uow.run(({ outbox }) => outbox.append({ type: 'webhook.alert', payload, ...place }));
  }

  /** Makes deliveries of what was committed. */
  async relayAll(): Promise<void> {
    while ((await this.relay.relay(1_000)).more);
  }

  /** Sets what became of deliveries. */
  async became(where: { webhookId: number; eventId?: string }, state: 'delivered' | 'failed', attempts = 1) {
    const { webhookId, ...event } = where;
    const data = { state, attempts, finishedAt: new Date(), nextAttemptAt: null };
    await this.database.prisma.webhookDelivery.updateMany({ where: { webhookId: BigInt(webhookId), ...event }, data });
  }

  /** State, attempts and so on of all deliveries of a webhook, in the order of their events. */
  rows(webhookId: number) {
    return this.database.prisma.webhookDelivery.findMany({
      where: { webhookId: BigInt(webhookId) },
      orderBy: { position: 'asc' },
    });
  }

  /** What the dispatcher would send next, in its order. */
  async due(webhookId: number): Promise<string[]> {
    const rows = await this.database.prisma.webhookDelivery.findMany({
      where: {
        webhookId: BigInt(webhookId),
        state: 'pending',
        lockedUntil: null,
        nextAttemptAt: { lte: new Date(Date.now() + 1_000) },
      },
      orderBy: [{ nextAttemptAt: 'asc' }, { position: 'asc' }],
    });
    return rows.map(({ eventId }) => eventId);
  }

  close(): Promise<void> {
    return this.database.close();
  }
}

const PAYLOADS: Partial<Record<NewOutboxEvent['type'], object>> = {
  'room.created': { type: 'conference', capacity: 10, locked: false },
  'booking.added': { id: 'bk_1', validUntil: '2027-01-01T00:00:00.000Z' },
  'peer.joined': { id: 'peer-1', name: 'Ada' },
};
