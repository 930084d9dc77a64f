import type { DomainName, RoomName, RoomType, SessionId, Webhook, WebhookId } from '@parley/domain';

/** A room as callers name it. */
export interface RoomRef {
  readonly domain: DomainName;
  readonly name: RoomName;
}

/** What a back end asked for, in the core's words. */
export type XroomCommand =
  | {
      readonly kind: 'open-room';
      readonly room: RoomRef;
      /** Options that were not given are absent: on an open room only the given ones are compared. */
      readonly type?: RoomType;
      readonly locked?: boolean;
      readonly password?: string;
      readonly wantsHostKey: boolean;
    }
  | { readonly kind: 'close-room'; readonly room: RoomRef; readonly force: boolean }
  | { readonly kind: 'kick'; readonly room: RoomRef; readonly who: SessionId | 'everyone' }
  | { readonly kind: 'lock-room'; readonly room: RoomRef; readonly locked: boolean }
  | { readonly kind: 'set-password'; readonly room: RoomRef; readonly password: string | null }
  /** Without a domain: all of the account's domains in this region. */
  | { readonly kind: 'list-rooms'; readonly domain?: DomainName }
  | { readonly kind: 'add-booking'; readonly room: RoomRef; readonly validUntil: Date }
  | { readonly kind: 'update-booking'; readonly room: RoomRef; readonly validUntil: Date }
  | { readonly kind: 'remove-booking'; readonly room: RoomRef }
  | { readonly kind: 'list-bookings'; readonly domain: DomainName }
  | { readonly kind: 'get-booking'; readonly room: RoomRef }
  | {
      readonly kind: 'add-webhook';
      readonly domain: DomainName;
      readonly roomName: RoomName | null;
      readonly target: Webhook['target'];
    }
  | { readonly kind: 'remove-webhook'; readonly id: WebhookId }
  | {
      readonly kind: 'list-webhooks';
      readonly domain: DomainName;
      readonly token?: string;
      readonly validated?: boolean;
    }
  | { readonly kind: 'validate-webhook'; readonly id: WebhookId };
