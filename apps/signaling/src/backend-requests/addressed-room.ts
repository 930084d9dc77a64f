import { backendRoomName, type Room, type RoomSessionId, type RoomStore, type TenantKey } from '@parley/domain';
import type { LiveRoomState } from '@parley/live';
import type { Backend } from '@parley/persistence';
import { tenantOf } from '../spreed/authenticator';

/** The room an authentic request is about, scoped by the backend that signed it. */
export interface AddressedRoom {
  readonly backend: Backend;
  readonly tenant: TenantKey;
  /** The room as the backend names it. */
  readonly token: string;
  /** Undefined while nobody has it open: then only users can be told something. */
  readonly open: OpenRoomOrder | undefined;
}

export interface OpenRoomOrder {
  readonly id: RoomSessionId;
  /** The request's place among all requests about this room, on all replicas. */
  readonly order: number;
  /** A backend opened it; otherwise a visitor did, or the owner of the domain, and its backend cannot close it. */
  readonly isBackends: boolean;
}

/**
 * Finds the room and gives the request its place in the order. To be asked as soon as the request is known to be
 * authentic: what takes time comes after it, so that a slow request cannot overwrite what a later one said.
 */
export async function addressRoom(
  stores: { readonly roomStore: Pick<RoomStore, 'findOpen'>; readonly live: Pick<LiveRoomState, 'nextOrder'> },
  backend: Backend,
  token: string,
): Promise<AddressedRoom> {
  const name = backendRoomName(backend, token);
  const room = name === undefined ? null : await stores.roomStore.findOpen(backend.domain, name);
  const open = room === null ? undefined : await orderIn(room, stores.live);
  return { backend, tenant: tenantOf(backend), token, open };
}

async function orderIn({ id, openedBy }: Room, live: Pick<LiveRoomState, 'nextOrder'>): Promise<OpenRoomOrder> {
  return { id, order: await live.nextOrder(id), isBackends: openedBy === 'backend' };
}
