import type {
  ChangedRoom,
  DomainName,
  FoundOpen,
  OpenRoom,
  Room,
  RoomChanges,
  RoomName,
  RoomSessionId,
  RoomStore,
} from '@parley/domain';
import { isHeard } from './memory-peer.store';
import type { MemoryRoom, MemoryState } from './memory-state';

type StoredRoom = MemoryRoom['room'];

/** Rooms in memory; the same promises as the PostgreSQL store, checked by the same conformance suite. */
export class MemoryRoomStore implements RoomStore {
  constructor(private readonly state: () => MemoryState) {}

  async findOpen(domain: DomainName, name: RoomName): Promise<OpenRoom | null> {
    return this.open().find(({ room }) => room.domain === domain && room.name === name)?.room ?? null;
  }

  async findById(id: RoomSessionId): Promise<StoredRoom | null> {
    return this.state().rooms.get(id)?.room ?? null;
  }

  async listOpen(domain: DomainName): Promise<readonly Room[]> {
    const rooms = this.open().map(({ room }) => room);
    return rooms
      .filter((room) => room.domain === domain)
      .sort((a, b) => a.openedAt.getTime() - b.openedAt.getTime() || compare(a.id, b.id));
  }

  async insert(room: Room): Promise<boolean> {
    if (await this.findOpen(room.domain, room.name)) return false;
    this.state().rooms.set(room.id, {
      room: { ...room, closing: false, closedAt: null },
      closingSince: null,
      occupied: false,
      eventSeq: 0,
    });
    const stored = this.state().rooms.get(room.id);
    if (stored && isHeard(this.state(), stored)) this.state().toldUntil.set(room.id, 'first');
    return true;
  }

  async change(id: RoomSessionId, changes: RoomChanges): Promise<ChangedRoom | null> {
    const { type, capacity, locked, password, hostKey } = changes;
    const before = this.state().rooms.get(id)?.room;
    const after = this.update(id, ({ room }) => {
      const addsKey = hostKey !== undefined && room.hostKey === null;
      const touched = [type, capacity, locked, password].some((value) => value !== undefined);
      const policy = {
        version: room.policy.version + (touched ? 1 : 0) + (addsKey ? 1 : 0),
        type: type ?? room.policy.type,
        capacity: capacity ?? room.policy.capacity,
        locked: locked ?? room.policy.locked,
        passwordVersion: room.policy.passwordVersion + (password === undefined ? 0 : 1),
        hasHostKey: room.policy.hasHostKey || addsKey,
      };
      return {
        policy,
        password: password === undefined ? room.password : password,
        hostKey: addsKey ? hostKey : room.hostKey,
      };
    });
    return before !== undefined && after !== null ? { before, after } : null;
  }

  async markClosing(id: RoomSessionId, at: Date): Promise<boolean> {
    return this.write(id, 'open', (stored) => ({
      ...stored,
      room: { ...stored.room, closing: true },
      closingSince: at,
    }));
  }

  async clearClosing(id: RoomSessionId): Promise<void> {
    this.write(id, 'open', unmarked);
  }

  async closingDone(id: RoomSessionId): Promise<void> {
    this.write(id, 'closed', unmarked);
  }

  async close(id: RoomSessionId, at: Date): Promise<boolean> {
    return this.write(id, 'open', (stored) => ({
      ...stored,
      room: { ...stored.room, closedAt: at, closeAfter: null },
      occupied: false,
    }));
  }

  async wasProtectedSince(domain: DomainName, name: RoomName, since: Date): Promise<boolean> {
    const [last] = [...this.state().rooms.values()]
      .map(({ room }) => room)
      .filter((room) => room.domain === domain && room.name === name && room.closedAt !== null && room.closedAt > since)
      .sort((a, b) => (b.closedAt?.getTime() ?? 0) - (a.closedAt?.getTime() ?? 0));
    return last !== undefined && (last.password !== null || last.hostKey !== null);
  }

  async setOccupancy(id: RoomSessionId, occupied: boolean, closeAfter: Date | null): Promise<void> {
    this.write(id, 'open', (stored) => ({ ...stored, room: { ...stored.room, closeAfter }, occupied }));
  }

  async due(now: Date, limit: number): Promise<readonly Room[]> {
    const time = (room: Room): number => room.closeAfter?.getTime() ?? Infinity;
    return this.open()
      .filter(({ room, closingSince }) => closingSince === null && time(room) <= now.getTime())
      .map(({ room }) => room)
      .sort((a, b) => time(a) - time(b))
      .slice(0, limit);
  }

  async stuckClosing(before: Date, limit: number): Promise<readonly StoredRoom[]> {
    return [...this.state().rooms.values()]
      .filter(({ closingSince }) => closingSince !== null && closingSince < before)
      .map(({ room }) => room)
      .slice(0, limit);
  }

  async openAfter(after: RoomSessionId | null, limit: number): Promise<readonly FoundOpen[]> {
    return this.open()
      .filter(({ room }) => after === null || room.id > after)
      .sort((a, b) => compare(a.room.id, b.room.id))
      .slice(0, limit)
      .map(({ room, occupied }) => {
        const { capacity } = this.state().domains.get(room.domain) ?? room.policy;
        return { room, occupied, domainCapacity: capacity };
      });
  }

  private open(): MemoryRoom[] {
    return [...this.state().rooms.values()].filter(({ room }) => room.closedAt === null);
  }

  private update(id: RoomSessionId, change: (stored: MemoryRoom) => Partial<StoredRoom>): StoredRoom | null {
    const done = this.write(id, 'open', (stored) => ({ ...stored, room: { ...stored.room, ...change(stored) } }));
    return done ? (this.state().rooms.get(id)?.room ?? null) : null;
  }

  private write(id: RoomSessionId, which: 'open' | 'closed', change: (stored: MemoryRoom) => MemoryRoom): boolean {
    const stored = this.state().rooms.get(id);
    if (!stored || (stored.room.closedAt === null) !== (which === 'open')) return false;
    this.state().rooms.set(id, change(stored));
    return true;
  }
}

function unmarked(stored: MemoryRoom): MemoryRoom {
  return { ...stored, room: { ...stored.room, closing: false }, closingSince: null };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
