import type { DomainName, RoomName, WebhookId } from '../kernel/ids';

/** Who is told of a domain's events: a URL, or a robot that is summoned. */
export interface Webhook {
  readonly id: WebhookId;
  readonly domain: DomainName;
  /** Only events of this room; null: all rooms of the domain. */
  readonly roomName: RoomName | null;
  readonly target:
    { readonly type: 'url'; readonly url: string } | { readonly type: 'robot'; readonly robotId: number };
  /** It has proved that it knows the domain's webhook key (robots need no proof). Only then it is told anything. */
  readonly validated: boolean;
}

export interface NewWebhook {
  readonly domain: DomainName;
  readonly roomName: RoomName | null;
  readonly target: Webhook['target'];
}

export interface WebhookStore {
  /** Gives it its id, which carries the region. A robot is validated from the start. A URL's handshake is due at `now`. */
  insert(webhook: NewWebhook, now: Date): Promise<Webhook>;
  find(id: WebhookId): Promise<Webhook | null>;
  list(domain: DomainName, filter: { token?: string; validated?: boolean }): Promise<readonly Webhook[]>;
  remove(id: WebhookId, now: Date): Promise<boolean>;
  /** Makes its handshake due now. `validated` stays as it is until the answer. */
  requestValidation(id: WebhookId, now: Date): Promise<void>;
  /** The outcome of the newest handshake since `since`, or since it was last asked for; null while there is none. */
  validationSince(id: WebhookId, since: Date): Promise<{ validated: boolean } | null>;
}
