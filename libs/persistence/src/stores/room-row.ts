import { brandAs, type DomainName, type OpenRoom, type Room, type RoomName, type RoomSessionId } from '@parley/domain';
import type { RoomModel } from '../generated/models';
import type { Sealer } from '../sealing';

export type StoredRoom = OpenRoom & { readonly closedAt: Date | null };

/** The place of a room's secret in the seal. */
export function roomSecretPlace(
  id: string,
  column: 'password' | 'hostKey',
): { table: string; row: string; column: string } {
  return { table: 'Room', row: id, column };
}

/** A row as the room it holds, secrets opened. */
export function toRoom(row: RoomModel, sealer: Sealer): StoredRoom {
  const open = (column: 'password' | 'hostKey', sealed: string | null): string | null =>
    sealed === null ? null : sealer.open(roomSecretPlace(row.id, column), sealed);
  return {
    id: brandAs<RoomSessionId>(row.id),
    domain: brandAs<DomainName>(row.domainName),
    name: brandAs<RoomName>(row.name),
    openedBy: row.openedBy,
    policy: {
      version: row.policyVersion,
      type: row.type,
      locked: row.locked,
      capacity: row.capacity,
      passwordVersion: row.passwordVersion,
      hasHostKey: row.hostKeySealed !== null,
    },
    password: open('password', row.passwordSealed),
    hostKey: open('hostKey', row.hostKeySealed),
    openedAt: row.openedAt,
    closeAfter: row.closeAfter,
    closing: row.closingSince !== null,
    closedAt: row.closedAt,
  };
}

/** A new room as its row, secrets sealed. */
export function toRow(
  room: Room,
  sealer: Sealer,
): Omit<RoomModel, 'eventSeq' | 'peerGeneration' | 'peerCursor' | 'occupied' | 'closingSince' | 'closedAt'> {
  const seal = (column: 'password' | 'hostKey', secret: string | null): string | null =>
    secret === null ? null : sealer.seal(roomSecretPlace(room.id, column), secret);
  return {
    id: room.id,
    domainName: room.domain,
    name: room.name,
    openedBy: room.openedBy,
    type: room.policy.type,
    locked: room.policy.locked,
    capacity: room.policy.capacity,
    passwordSealed: seal('password', room.password),
    passwordVersion: room.policy.passwordVersion,
    hostKeySealed: seal('hostKey', room.hostKey),
    policyVersion: room.policy.version,
    openedAt: room.openedAt,
    closeAfter: room.closeAfter,
  };
}
