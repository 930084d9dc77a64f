import type { BookingStore } from '../bookings/booking';
import type { PeerStore } from '../peers/peer-store';
import type { RobotStore } from '../robots/robot';
import type { RoomStore } from '../rooms/room.store';
import type { TenancyStore } from '../tenancy/tenancy';
import type { Outbox } from '../webhooks/events';
import type { WebhookStore } from '../webhooks/webhook';
import type { WebhookSecretStore } from '../webhooks/webhook-secrets';

/** Everything that takes part in one transaction. */
export interface Stores {
  readonly tenancy: TenancyStore;
  readonly rooms: RoomStore;
  readonly bookings: BookingStore;
  readonly webhooks: WebhookStore;
  readonly webhookSecrets: WebhookSecretStore;
  readonly robots: RobotStore;
  readonly peers: PeerStore;
  readonly outbox: Outbox;
}

/** All or nothing. After a commit that wrote outbox events the relay is woken; losing that wake-up only costs time. */
export interface UnitOfWork {
  run<Outcome>(work: (stores: Stores) => Promise<Outcome>): Promise<Outcome>;
}
