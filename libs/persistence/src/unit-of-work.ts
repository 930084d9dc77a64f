import type { RegionId, Stores, UnitOfWork } from '@parley/domain';
import type { PrismaClient } from './generated/client';
import { readable } from './prisma-errors';
import type { Connection } from './prisma-client';
import type { Sealer } from './sealing';
import { PrismaPeerStore } from './peers/peer.store';
import { PrismaRobotStore } from './robots/robot.store';
import { PrismaBookingStore } from './stores/booking.store';
import { PrismaOutbox } from './stores/outbox';
import { PrismaRoomStore } from './stores/room.store';
import { PrismaTenancyStore } from './stores/tenancy.store';
import { PrismaWebhookSecretStore } from './stores/webhook-secret.store';
import { PrismaWebhookStore } from './stores/webhook.store';

/** How long a transaction waits for a connection and how long it may take, in milliseconds. */
const WAIT_MS = 10_000;
const TAKE_MS = 15_000;

/** A region: its name, and the number in its numeric ids. */
export interface RegionIdentity {
  readonly id: RegionId;
  /** 0 to 1023, never used by another region. */
  readonly number: number;
}

/** Stores that need no transaction around them. */
export type ReadStores = Omit<Stores, 'outbox' | 'peers'>;

export function storesOn(db: Connection, sealer: Sealer, region: RegionIdentity): ReadStores {
  return {
    tenancy: new PrismaTenancyStore(db, sealer, region.id),
    rooms: new PrismaRoomStore(db, sealer),
    bookings: new PrismaBookingStore(db),
    webhooks: new PrismaWebhookStore(db, region.number),
    webhookSecrets: new PrismaWebhookSecretStore(db, sealer),
    robots: new PrismaRobotStore(db, region.number),
  };
}

/** One PostgreSQL transaction (READ COMMITTED) per piece of work. */
export class PrismaUnitOfWork implements UnitOfWork {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly sealer: Sealer,
    private readonly region: RegionIdentity,
    private readonly wakeRelay: () => void,
    /** What each transaction begins with. */
    private readonly begin: (tx: Connection) => Promise<void> = () => Promise.resolve(),
  ) {}

  /** @throws DomainError unavailable when the database cannot be reached */
  async run<Outcome>(work: (stores: Stores) => Promise<Outcome>): Promise<Outcome> {
    let appended = 0;
    const outcome = await this.prisma
      .$transaction(
        async (tx) => {
          await this.begin(tx);
          const outbox = new PrismaOutbox(tx, this.region.id);
          const done = await work({
            ...storesOn(tx, this.sealer, this.region),
            peers: new PrismaPeerStore(tx),
            outbox,
          });
          appended = outbox.appended;
          return done;
        },
        { maxWait: WAIT_MS, timeout: TAKE_MS },
      )
      .catch((error: unknown) => Promise.reject(readable(error) as Error));
    if (appended > 0) this.wakeRelay();
    return outcome;
  }
}
