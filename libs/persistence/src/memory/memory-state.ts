import type {
  Account,
  Booking,
  Domain,
  NewOutboxEvent,
  OpenRoom,
  PeerCursor,
  Robot,
  RobotId,
  RoomSessionId,
  ToldPeer,
  Webhook,
  WebhookId,
  WebhookSecretRecord,
} from '@parley/domain';

/** A room as the memory stores hold it. Records are replaced on change, never written into, so a snapshot is shallow. */
export interface MemoryRoom {
  readonly room: OpenRoom & { readonly closedAt: Date | null };
  readonly closingSince: Date | null;
  readonly occupied: boolean;
  readonly eventSeq: number;
}

/** A webhook and what the dispatcher would know of it. */
export interface MemoryWebhook {
  readonly webhook: Webhook;
  readonly removed: boolean;
  readonly validationDueAt: Date | null;
  readonly outcome: { readonly validated: boolean } | null;
}

/** A signing secret, in the clear. */
export interface MemoryWebhookSecret extends WebhookSecretRecord {
  readonly webhook: WebhookId;
  readonly text: string;
}

/** A robot and the hash of its connect key. */
export interface MemoryRobot {
  readonly robot: Robot;
  readonly keyHash: string;
  readonly removed: boolean;
}

/** An event as it was appended. */
export type MemoryEvent = NewOutboxEvent & {
  readonly id: string;
  readonly seq: number;
};

/** Everything the memory stores hold. */
export interface MemoryState {
  readonly accounts: Map<string, Account>;
  readonly domains: Map<string, Domain>;
  /** Domains with a backend that keeps its rooms for its own people. */
  readonly closedDomains: Set<string>;
  /** Domains whose comings and goings are events although no webhook lists them. */
  readonly peerEvents: Set<string>;
  readonly rooms: Map<string, MemoryRoom>;
  readonly bookings: Map<string, Booking>;
  readonly webhooks: Map<WebhookId, MemoryWebhook>;
  /** By their ids. */
  readonly webhookSecrets: Map<string, MemoryWebhookSecret>;
  readonly robots: Map<RobotId, MemoryRobot>;
  readonly events: MemoryEvent[];
  /** Who was told to be in which room, and how far that goes. */
  readonly told: Map<RoomSessionId, readonly ToldPeer[]>;
  readonly toldUntil: Map<RoomSessionId, PeerCursor | 'first'>;
  /** The last `seq` of events of no opening, by domain and room name. */
  readonly sequences: Map<string, number>;
}

export function emptyState(): MemoryState {
  return {
    accounts: new Map(),
    domains: new Map(),
    closedDomains: new Set(),
    peerEvents: new Set(),
    rooms: new Map(),
    bookings: new Map(),
    webhooks: new Map(),
    webhookSecrets: new Map(),
    robots: new Map(),
    events: [],
    told: new Map(),
    toldUntil: new Map(),
    sequences: new Map(),
  };
}

export function copyOf(state: MemoryState): MemoryState {
  return {
    accounts: new Map(state.accounts),
    domains: new Map(state.domains),
    closedDomains: new Set(state.closedDomains),
    peerEvents: new Set(state.peerEvents),
    rooms: new Map(state.rooms),
    bookings: new Map(state.bookings),
    webhooks: new Map(state.webhooks),
    webhookSecrets: new Map(state.webhookSecrets),
    robots: new Map(state.robots),
    events: [...state.events],
    told: new Map(state.told),
    toldUntil: new Map(state.toldUntil),
    sequences: new Map(state.sequences),
  };
}
