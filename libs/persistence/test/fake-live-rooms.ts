import {
  brandAs,
  type DoorPolicy,
  type LiveRooms,
  type Member,
  type PeerCursor,
  type PeerNews,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';

/** Live state of rooms as a plain list, with what was done to it. */
export class FakeLiveRooms implements LiveRooms {
  /** e.g. `policy rs_1 v2`, `kick rs_1 s1`, `finish rs_1`. */
  readonly log: string[] = [];
  private readonly present = new Map<RoomSessionId, Member[]>();
  private readonly closing = new Set<RoomSessionId>();
  /** Runs before the next call of that name, e.g. to fail it or to change the world in between. */
  private readonly before = new Map<string, () => void | Promise<void>>();

  enter(room: RoomSessionId, sessionId: string, changes: Partial<Member> = {}): void {
    const members = this.present.get(room) ?? [];
    const member: Member = {
      sessionId: brandAs<SessionId>(sessionId),
      kind: 'client',
      role: 'guest',
      userId: '',
      order: members.length,
      ...changes,
    };
    this.present.set(room, [...members, member]);
  }

  empty(room: RoomSessionId): void {
    this.present.delete(room);
  }

  isClosing(room: RoomSessionId): boolean {
    return this.closing.has(room);
  }

  once(method: keyof LiveRooms, act: () => void | Promise<void>): void {
    this.before.set(method, act);
  }

  async members(room: RoomSessionId): Promise<readonly Member[]> {
    await this.called('members');
    return this.present.get(room) ?? [];
  }

  async applyPolicy(room: RoomSessionId, policy: DoorPolicy): Promise<void> {
    await this.called('applyPolicy', `policy ${room} v${policy.version}`);
  }

  async beginClosing(room: RoomSessionId, force: boolean): Promise<'closing' | 'occupied'> {
    await this.called('beginClosing');
    if (!this.closing.has(room) && !force && (this.present.get(room) ?? []).length > 0) return 'occupied';
    this.closing.add(room);
    return 'closing';
  }

  async undoClosing(room: RoomSessionId): Promise<void> {
    await this.called('undoClosing', `undo ${room}`);
    this.closing.delete(room);
  }

  async finishClosing(room: RoomSessionId): Promise<void> {
    await this.called('finishClosing', `finish ${room}`);
    this.closing.delete(room);
    this.present.delete(room);
  }

  async kick(room: RoomSessionId, session: SessionId): Promise<boolean> {
    await this.called('kick', `kick ${room} ${session}`);
    const members = this.present.get(room) ?? [];
    const left = members.filter((member) => member.sessionId !== session);
    this.present.set(room, left);
    return left.length < members.length;
  }

  async kickAll(room: RoomSessionId): Promise<number> {
    await this.called('kickAll', `kickAll ${room}`);
    const count = (this.present.get(room) ?? []).length;
    this.present.delete(room);
    return count;
  }

  async peerNews(): Promise<PeerNews> {
    await this.called('peerNews');
    const cursor = { generation: 'fake', n: 0 };
    return { cursor, now: new Date(0), settlesInMs: 0, changes: [], present: undefined, lost: [] };
  }

  async peerCursors(): Promise<ReadonlyMap<RoomSessionId, PeerCursor>> {
    return new Map<RoomSessionId, PeerCursor>();
  }

  forgetPeers(): void {}

  private async called(method: keyof LiveRooms, entry?: string): Promise<void> {
    const act = this.before.get(method);
    this.before.delete(method);
    await act?.();
    if (entry !== undefined) this.log.push(entry);
  }
}
