import {
  brandAs,
  bookingHolds,
  numericId,
  type BookingStore,
  type EventId,
  type Outbox,
  type RegionId,
  type Stores,
  type TenancyStore,
  type WebhookId,
  type WebhookStore,
} from '@parley/domain';
import type { RegionIdentity } from '../unit-of-work';
import { passesFilter } from '../webhook-filter';
import { MemoryRoomStore } from './memory-room.store';
import type { MemoryState } from './memory-state';

/** All stores on one state, which `state` hands out anew each time because a rollback replaces it. */
export function memoryStores(state: () => MemoryState, region: RegionIdentity, appended: () => void): Stores {
  return {
    tenancy: tenancyStore(state, region.id),
    rooms: new MemoryRoomStore(state),
    bookings: bookingStore(state),
    webhooks: webhookStore(state, region.number),
    outbox: outbox(state, region.id, appended),
  };
}

function tenancyStore(state: () => MemoryState, region: RegionId): TenancyStore {
  return {
    accountByAuthId: async (authId) => [...state().accounts.values()].find((each) => each.authId === authId) ?? null,
    domain: async (name) => state().domains.get(name) ?? null,
    domainsOf: async (account) =>
      [...state().domains.values()]
        .filter((domain) => domain.accountId === account && domain.region === region)
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    keepsVisitorsOut: async (domain) => state().closedDomains.has(domain),
  };
}

function bookingStore(state: () => MemoryState): BookingStore {
  const key = (domain: string, roomName: string): string => `${domain}/${roomName}`;
  return {
    find: async (domain, roomName) => state().bookings.get(key(domain, roomName)) ?? null,
    list: async (domain) =>
      [...state().bookings.values()]
        .filter((booking) => booking.domain === domain)
        .sort((a, b) => (a.roomName < b.roomName ? -1 : 1)),
    insert: async (booking, now) => {
      const present = state().bookings.get(key(booking.domain, booking.roomName)) ?? null;
      if (bookingHolds(present, now)) return false;
      state().bookings.set(key(booking.domain, booking.roomName), booking);
      return true;
    },
    update: async (domain, roomName, validUntil, now) => {
      const present = state().bookings.get(key(domain, roomName)) ?? null;
      if (!bookingHolds(present, now)) return false;
      state().bookings.set(key(domain, roomName), { ...present, validUntil });
      return true;
    },
    remove: async (domain, roomName) => state().bookings.delete(key(domain, roomName)),
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
      const stored = { ...webhook, id, validated: isRobot };
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
    validationSince: async (id) => state().webhooks.get(id)?.outcome ?? null,
  };
}

function outbox(state: () => MemoryState, region: RegionId, appended: () => void): Outbox {
  return {
    append: async (event) => {
      const stored = state().rooms.get(event.roomSessionId);
      if (!stored) throw new Error(`there is no room session ${event.roomSessionId}`);
      const seq = stored.eventSeq + 1;
      state().rooms.set(event.roomSessionId, { ...stored, eventSeq: seq });
      const id = brandAs<EventId>(`evt_${region}_${state().events.length + 1}`);
      state().events.push({ ...event, id, seq });
      appended();
      return id;
    },
  };
}
