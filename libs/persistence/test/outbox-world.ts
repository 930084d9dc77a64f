import {
  brandAs,
  type DomainName,
  type NewOutboxEvent,
  type NewWebhook,
  type Room,
  type RoomName,
  type RoomSessionId,
  type WebhookId,
} from '@parley/domain';
import { OutboxRelayStore, type Database } from '../src';
import { useTenantDatabase } from './delivery-world';

export const ONE = brandAs<DomainName>('one.example');
export const TWO = brandAs<DomainName>('two.example');
export const AT = new Date('2026-01-01T12:00:00Z');
export const OF_NO_OPENING = { roomSessionId: null, occurredAt: AT } as const;

/** Two domains, what happens in their rooms, and a relay. */
export class OutboxWorld {
  readonly relay: OutboxRelayStore;

  constructor(readonly database: Database) {
    this.relay = new OutboxRelayStore(database.prisma);
  }

  async open(domain: DomainName, name: string): Promise<Room> {
    const policy = { version: 1, locked: false, capacity: 9, passwordVersion: 0, hasHostKey: false };
    const room: Room = {
      id: brandAs<RoomSessionId>(`rs_${domain}_${name}`),
      domain,
      name: brandAs<RoomName>(name),
      openedBy: 'api',
      policy: { ...policy, type: 'conference' },
      password: null,
      hostKey: null,
      openedAt: AT,
      closeAfter: null,
    };
    await this.database.uow.run((stores) => stores.rooms.insert(room));
    return room;
  }

  async append(...events: NewOutboxEvent[]): Promise<void> {
    await this.database.uow.run(async (stores) => {
      for (const event of events) await stores.outbox.append(event);
    });
  }

  /** A webhook that has proved itself. */
  async webhook(settings: Partial<NewWebhook> = {}, standing: object = {}): Promise<WebhookId> {
    const target = { type: 'url', url: 'https://r.example/' } as const;
    const { id } = await this.database.stores.webhooks.insert({ domain: ONE, target, ...settings }, AT);
    await this.database.prisma.webhook.update({ where: { id }, data: { validated: true, provenAt: AT, ...standing } });
    return id;
  }

  async relayAll(): Promise<void> {
    while ((await this.relay.relay(100)).events > 0);
  }
}

export const removed = (room: Room): NewOutboxEvent => ({
  type: 'room.removed',
  domain: room.domain,
  roomName: room.name,
  roomSessionId: room.id,
  payload: {},
  occurredAt: AT,
});

export const booked = (domain: DomainName, roomName: string): NewOutboxEvent => ({
  type: 'booking.added',
  domain,
  roomName: brandAs<RoomName>(roomName),
  payload: { id: 'bk_1', validUntil: AT.toISOString() },
  ...OF_NO_OPENING,
});

/** A new one for each test of the file. */
export function useOutboxWorld(): () => OutboxWorld {
  const database = useTenantDatabase(ONE, TWO);
  let world: OutboxWorld;
  beforeEach(() => {
    world = new OutboxWorld(database());
  });
  return () => world;
}
