import {
  brandAs,
  bookingHolds,
  numericId,
  withWebhookDefaults,
  type Booking,
  type BookingStore,
  type DomainName,
  type EventId,
  type NewOutboxEvent,
  type Outbox,
  type RegionId,
  type RoomName,
  type RoomSessionId,
  type Stores,
  type TenancyStore,
  type WebhookId,
  type WebhookState,
  type WebhookSecretRecord,
  type WebhookSecretStore,
  type WebhookStore,
} from '@parley/domain';
import type { RegionIdentity } from '../unit-of-work';
import { passesFilter } from '../webhook-filter';
import { memoryPeerStore } from './memory-peer.store';
import { memoryRobotStore } from './memory-robot.store';
import { MemoryRoomStore } from './memory-room.store';
import type { MemoryState } from './memory-state';

/** All stores on one state, which `state` hands out anew each time because a rollback replaces it. */
export function memoryStores(state: () => MemoryState, region: RegionIdentity, appended: () => void): Stores {
  return {
    tenancy: tenancyStore(state, region.id),
    rooms: new MemoryRoomStore(state),
    bookings: bookingStore(state),
    webhooks: webhookStore(state, region.number),
    webhookSecrets: webhookSecretStore(state),
    robots: memoryRobotStore(state, region.number),
    peers: memoryPeerStore(state),
    outbox: outbox(state, region.id, appended),
  };
}

function tenancyStore(state: () => MemoryState, region: RegionId): TenancyStore {
  return {
    region,
    accountByAuthId: async (authId) => [...state().accounts.values()].find((each) => each.authId === authId) ?? null,
    domain: async (name) => state().domains.get(name) ?? null,
    domainsOf: async (account) =>
      [...state().domains.values()]
        .filter((domain) => domain.accountId === account && domain.region === region)
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    keepsVisitorsOut: async (domain) => state().closedDomains.has(domain),
    replaceWebhookKey: async (name, webhookKey) => {
      const domain = state().domains.get(name);
      if (domain) state().domains.set(name, { ...domain, webhookKey });
      return domain !== undefined;
    },
    peerEvents: async (name) => state().peerEvents.has(name),
    setPeerEvents: async (name, on) => {
      if (on) state().peerEvents.add(name);
      else state().peerEvents.delete(name);
    },
  };
}

function bookingStore(state: () => MemoryState): BookingStore {
  const key = (domain: string, roomName: string): string => `${domain}/${roomName}`;
  const take = (booking: Booking): Booking => {
    state().bookings.delete(key(booking.domain, booking.roomName));
    return booking;
  };
  return {
    find: async (domain, roomName) => state().bookings.get(key(domain, roomName)) ?? null,
    list: async (domain) =>
      [...state().bookings.values()]
        .filter((booking) => booking.domain === domain)
        .sort((a, b) => (a.roomName < b.roomName ? -1 : 1)),
    insert: async (booking) => {
      if (state().bookings.has(key(booking.domain, booking.roomName))) return false;
      state().bookings.set(key(booking.domain, booking.roomName), booking);
      return true;
    },
    update: async (domain, roomName, validUntil, now) => {
      const present = state().bookings.get(key(domain, roomName)) ?? null;
      if (!bookingHolds(present, now)) return null;
      const updated = { ...present, validUntil };
      state().bookings.set(key(domain, roomName), updated);
      return updated;
    },
    remove: async (domain, roomName, now) => {
      const present = state().bookings.get(key(domain, roomName)) ?? null;
      return bookingHolds(present, now) ? take(present) : null;
    },
    takeExpiredOf: async (domain, roomName, now) => {
      const present = state().bookings.get(key(domain, roomName)) ?? null;
      return present === null || bookingHolds(present, now) ? null : take(present);
    },
    takeExpired: async (now, limit) =>
      [...state().bookings.values()]
        .filter(({ validUntil }) => validUntil <= now)
        .sort((a, b) => a.validUntil.getTime() - b.validUntil.getTime())
        .slice(0, limit)
        .map(take),
  };
}

function webhookStore(state: () => MemoryState, regionNumber: number): WebhookStore {
  const present = (id: WebhookId) => {
    const stored = state().webhooks.get(id);
    return stored?.removed === false ? stored : undefined;
  };
  return {
    insert: async (webhook, now) => {
      const id = brandAs<WebhookId>(numericId(state().webhooks.size + 1, regionNumber));
      const isRobot = webhook.target.type === 'robot';
      const standing: WebhookState = { kind: isRobot ? 'active' : 'pending' };
      const stored = { ...withWebhookDefaults(webhook), id, validated: isRobot, state: standing };
      state().webhooks.set(id, {
        webhook: stored,
        removed: false,
        validationDueAt: isRobot ? null : now,
        outcome: null,
      });
      return stored;
    },
    find: async (id) => present(id)?.webhook ?? null,
    list: async (domain, filter) =>
      [...state().webhooks.values()]
        .filter(({ removed, webhook }) => !removed && webhook.domain === domain && passesFilter(webhook, filter))
        .map(({ webhook }) => webhook),
    remove: async (id) => {
      const stored = present(id);
      if (stored) state().webhooks.set(id, { ...stored, removed: true, validationDueAt: null });
      return stored !== undefined;
    },
    requestValidation: async (id, now) => {
      const stored = present(id);
      if (stored?.webhook.target.type !== 'url') return;
      state().webhooks.set(id, { ...stored, validationDueAt: now, outcome: null });
    },
    handshakeOutcome: async (id) => state().webhooks.get(id)?.outcome ?? null,
  };
}

function webhookSecretStore(state: () => MemoryState): WebhookSecretStore {
  const signsAfter = ({ signsUntil }: WebhookSecretRecord, time: Date): boolean =>
    signsUntil === null || signsUntil > time;
  const of = (webhook: WebhookId) => [...state().webhookSecrets.values()].filter((each) => each.webhook === webhook);
  return {
    add: async (webhook, { text, signsUntil }, now) => {
      const id = `whs_${state().webhookSecrets.size + 1}`;
      state().webhookSecrets.set(id, { id, webhook, text, signsUntil, createdAt: now });
    },
    signing: async (webhook, now) =>
      of(webhook)
        .filter((secret) => signsAfter(secret, now))
        .reverse(),
    endBy: async (webhook, until) => {
      const lasting = of(webhook).filter((secret) => signsAfter(secret, until));
      for (const secret of lasting) state().webhookSecrets.set(secret.id, { ...secret, signsUntil: until });
    },
  };
}

function outbox(state: () => MemoryState, region: RegionId, appended: () => void): Outbox {
  const nextOfRoom = (id: RoomSessionId): number => {
    const stored = state().rooms.get(id);
    if (!stored) throw new Error(`there is no room session ${id}`);
    state().rooms.set(id, { ...stored, eventSeq: stored.eventSeq + 1 });
    return stored.eventSeq + 1;
  };
  const nextOfName = (domain: DomainName, roomName: RoomName | null): number => {
    const key = `${domain}/${roomName ?? ''}`;
    const seq = (state().sequences.get(key) ?? 0) + 1;
    state().sequences.set(key, seq);
    return seq;
  };
  const append = (event: NewOutboxEvent): EventId => {
    const { roomSessionId, domain, roomName } = event;
    const seq = roomSessionId === null ? nextOfName(domain, roomName) : nextOfRoom(roomSessionId);
    const id = brandAs<EventId>(`evt_${region}_${state().events.length + 1}`);
    state().events.push({ ...event, id, seq });
    appended();
    return id;
  };
  return { append: async (event) => append(event), appendAll: async (_room, events) => void events.forEach(append) };
}
