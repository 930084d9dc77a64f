import { DomainError, type Member, type RoomSessionId, type SessionId } from '@parley/domain';
import type { JoinOutcome, JoinRequest, SessionRecord, VirtualSession } from '../port';
import type { MemberPatch } from '../room-port';
import type { RoomPosition } from '../store';
import type { ReplicaContext } from './context';
import { claimForeign } from './identity';
import type { Lodger } from './residents';
import type { RoomFeed } from './room-feed';
import { outcome, storedRequest, withdrawn, type Admitted } from './rooms-of-session';
import { burnAndClear, takeOut } from './session-end';
import { Turns } from './turns';

/** Virtual sessions are never taken over by themselves. */
const EPOCH = 1;

/** Somebody another session speaks for, on the replica that owns that session. */
export class Virtual implements VirtualSession {
  private lodging: { readonly feed: RoomFeed; readonly lodger: Lodger } | undefined;
  /** By which attempt it is in its room; undefined: that is not known, or it is in none. */
  private attempt: number | undefined;
  private over = false;
  private readonly turns = new Turns();

  constructor(
    private readonly ctx: ReplicaContext,
    readonly parent: SessionId,
    readonly record: SessionRecord,
  ) {}

  get id(): SessionId {
    return this.record.id;
  }

  get room(): RoomSessionId | undefined {
    return this.lodging?.feed.id;
  }

  join(request: JoinRequest): Promise<JoinOutcome> {
    return this.turns.run(() => this.enter(request));
  }

  leave(): Promise<void> {
    return this.turns.run(async () => {
      const { room, attempt } = this;
      if (room === undefined) return;
      await takeOut(this.ctx, room, this.id, { tenant: this.record.tenant, attempt });
      this.moveOut();
      await this.ctx.chores.now(`left ${this.id}`, () => this.ctx.store.sessions.leftRoom(this.id, room, attempt));
    });
  }

  async update(change: Omit<MemberPatch, 'sessionId'>, order?: number): Promise<readonly Member[]> {
    const { room } = this;
    if (room === undefined) return [];
    return this.ctx.store.rooms
      .patch(room, [{ ...change, sessionId: this.id }], order)
      .then((members) => members ?? []);
  }

  close(): Promise<void> {
    this.letGo();
    return this.turns.run(() =>
      this.ctx.chores.now(`close ${this.id}`, async () => {
        await burnAndClear(this.ctx, this.id, { reason: 'ended', detail: 'closed' });
        await this.ctx.store.registry.removeVirtual(this.parent, this.id);
      }),
    );
  }

  /** It is over, or held elsewhere by now. */
  letGo(): void {
    this.over = true;
    this.ctx.virtuals.remove(this);
    this.moveOut();
  }

  /** Tells the store that it is there. */
  async announce(create: boolean): Promise<void> {
    if (this.over) return;
    const room = this.lodging?.lodger.enteredAt;
    const read = await this.ctx.store.sessions.announce(
      {
        record: this.record,
        epoch: EPOCH,
        owner: this.ctx.replica,
        parent: this.parent,
        seq: 0,
        room,
        checkpoint: { session: 0, room, roomEvent: 0 },
      },
      create,
    );
    if (read.kind !== 'log') return this.letGo();
    const { registry } = this.ctx.store;
    await registry.addVirtual(this.parent, this.id);
    const foreignId = this.lodging?.lodger.member.foreignSessionId;
    if (foreignId !== undefined) await registry.keepForeign(this.record.tenant, foreignId, this.id);
  }

  /** Goes on in the room it was in where its parent was before. */
  async adopt(at: RoomPosition): Promise<void> {
    const seat = {};
    const feed = await this.ctx.feeds.expect(at.id, seat);
    try {
      const read = await this.ctx.store.rooms.read(at.id, '', 0);
      const member = read?.members.find(({ sessionId }) => sessionId === this.id);
      if (!read || !member) return;
      feed.begin(read);
      feed.policy ??= read.policy;
      this.moveIn(feed, member, { id: at.id, generation: read.generation, seq: read.seq });
    } finally {
      feed.unexpect(seat);
    }
  }

  private async enter(request: JoinRequest): Promise<JoinOutcome> {
    if (this.over) throw new DomainError('session_not_found', 'The session is over.');
    const { store } = this.ctx;
    const { room } = request;
    const again = this.room === room ? await this.comeAgain(request) : undefined;
    if (again) return again;
    await store.registry.schedule(this.id, this.ctx.times.halfDoneJoinMs);
    const attempt = await store.sessions.beginJoin(this.id, EPOCH, room);
    if (attempt === undefined) throw await this.lost();
    // Once more, as a look may have just found nothing to do: nobody owns it who could be found dead.
    await store.registry.schedule(this.id, this.ctx.times.halfDoneJoinMs);
    const seat = {};
    const feed = await this.ctx.feeds.expect(room, seat);
    try {
      const foreign = await claimForeign(this.ctx, this.record, request);
      const answer = await store.rooms.join(room, { ...storedRequest(request, this.id), attempt });
      if (answer.kind === 'refused') {
        await foreign.giveBack();
        await store.sessions.gaveUpJoin(this.id, attempt);
        return answer;
      }
      const at = { id: room, generation: answer.generation, seq: answer.seq };
      await this.settle(feed, request, answer, attempt, at);
      return outcome(this.id, answer, at, foreign.tookOver);
    } finally {
      feed.unexpect(seat);
    }
  }

  /** Undefined: it is not in any more, and that is not known here yet. */
  private async comeAgain(request: JoinRequest): Promise<JoinOutcome | undefined> {
    const foreign = await claimForeign(this.ctx, this.record, request);
    const answer = await this.ctx.store.rooms.rejoin(request.room, storedRequest(request, this.id));
    if (answer?.kind !== 'joined') {
      await foreign.giveBack();
      return answer;
    }
    const at = { id: request.room, generation: answer.generation, seq: answer.seq };
    return outcome(this.id, answer, at, foreign.tookOver);
  }

  private async settle(
    feed: RoomFeed,
    { policy }: JoinRequest,
    answer: Admitted,
    attempt: number,
    at: RoomPosition,
  ): Promise<void> {
    const { sessions } = this.ctx.store;
    feed.begin(answer);
    const finished = await sessions.finishJoin(this.id, EPOCH, attempt, at);
    if (finished !== 'joined') {
      await takeOut(this.ctx, at.id, this.id, { tenant: this.record.tenant, attempt });
      throw finished === 'withdrawn' ? withdrawn() : await this.lost();
    }
    if (answer.first && !answer.again) this.ctx.occupancy(at.id, true);
    if (!feed.policy || policy.version >= feed.policy.version) feed.policy = policy;
    const { room: old, attempt: before } = this;
    this.moveOut();
    this.attempt = attempt;
    const self = answer.members.find(({ sessionId }) => sessionId === this.id);
    if (self && !this.over) this.moveIn(feed, self, at);
    if (old === undefined) return;
    await this.ctx.chores.now(`left ${this.id} ${old}`, async () => {
      if (this.room === old) return;
      await takeOut(this.ctx, old, this.id, { tenant: this.record.tenant, attempt: before });
      await sessions.leftRoom(this.id, old, before);
    });
  }

  private async lost(): Promise<DomainError> {
    const may = await this.ctx.losses.mayHaveLost(() => this.ctx.suspect());
    if (may) return new DomainError('unavailable', 'The session is being restored.');
    return new DomainError('session_not_found', 'The session is over.');
  }

  private moveIn(feed: RoomFeed, member: Member, enteredAt: RoomPosition): void {
    const lodger: Lodger = { id: this.id, member, enteredAt, movedOut: () => (this.lodging = undefined) };
    this.lodging = { feed, lodger };
    feed.lodge(lodger);
  }

  private moveOut(): void {
    const { lodging } = this;
    this.lodging = undefined;
    lodging?.feed.evict(this.id);
  }
}

/** A new virtual session. Its name is noted first, so that it cannot outlive its parent unseen. */
export async function openVirtual(
  ctx: ReplicaContext,
  parent: SessionId,
  record: SessionRecord,
): Promise<VirtualSession> {
  if (!ctx.sessions.has(parent)) throw new DomainError('session_not_found', 'The session is not held here.');
  const virtual = new Virtual(ctx, parent, record);
  await ctx.store.registry.addVirtual(parent, record.id);
  await ctx.store.sessions.open(record, ctx.replica, parent);
  await ctx.store.registry.enlist('sessions', [record.id]);
  ctx.virtuals.add(virtual);
  const isHere = isThere(ctx, parent).catch(async (error: unknown) => {
    await virtual.close();
    throw error;
  });
  if (await isHere) {
    if (ctx.sessions.has(parent)) return virtual;
    virtual.letGo();
  } else await virtual.close();
  throw new DomainError('session_not_found', 'The session is not held here any more.');
}

/** Whether a session did not end meanwhile: it may have been cleared away before those it speaks for were there. */
async function isThere(ctx: ReplicaContext, parent: SessionId): Promise<boolean> {
  const { sessions } = ctx.store;
  if (await sessions.find(parent)) return true;
  const held = ctx.sessions.get(parent);
  if (!held || (await sessions.read(parent, held.epoch, 0)).kind !== 'missing') return false;
  return ctx.losses.mayHaveLost(() => ctx.suspect());
}

/** The virtual sessions of a session that is being resumed here, in the rooms they are in. */
export async function adoptVirtuals(ctx: ReplicaContext, parent: SessionId): Promise<readonly Virtual[]> {
  const adopted: Virtual[] = [];
  try {
    for (const id of await ctx.store.registry.virtuals(parent)) {
      const known = await ctx.store.sessions.virtual(id);
      if (!known) continue;
      const virtual = new Virtual(ctx, parent, known.record);
      adopted.push(virtual);
      if (known.room) await virtual.adopt(known.room);
    }
    return adopted;
  } catch (error) {
    for (const virtual of adopted) virtual.letGo();
    throw error;
  }
}
