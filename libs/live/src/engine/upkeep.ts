import { setTimeout as sleep } from 'node:timers/promises';
import { isDomainError, type ReplicaId, type SessionId } from '@parley/domain';
import type { Look } from '../store';
import type { DueRoom, DueSession } from '../registry-store';
import { Alarm } from './alarm';
import { auditRooms } from './audit';
import type { ReplicaContext } from './context';
import { announceIdentity } from './identity';
import { clearAway, takeOut } from './session-end';

/** How many sessions are announced or looked at side by side. */
const AT_ONCE = 200;
/** How long a survivor may take to clear up after a dead replica before another one tries. */
const UNDERTAKER_MS = 10_000;

/** What a replica does by the clock: beats, checkpoints, announcements, and the work dead replicas left. */
export class Upkeep {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly alarm = new Alarm(() => this.suspect());
  private lastBeat: number;
  private beating: Promise<void> | undefined;
  private again = false;
  private stopped = false;
  private announceDue = 0;

  constructor(private readonly ctx: ReplicaContext) {
    this.lastBeat = Number.NEGATIVE_INFINITY;
  }

  /** Starts the clocks; resolves after the first beat was tried. */
  async start(): Promise<void> {
    this.announceDue = performance.now() + this.ctx.times.reannounceMs;
    this.timers.push(setInterval(() => void this.beat(), this.ctx.times.heartbeatMs));
    this.timers.push(setInterval(() => void this.checkpoint(), this.ctx.times.checkpointMs));
    await this.beat();
  }

  leaseValid(): boolean {
    return performance.now() - this.lastBeat < this.ctx.times.deadAfterMs;
  }

  /** A beat as soon as possible. */
  suspect(): void {
    if (this.beating) this.again = true;
    else void this.beat();
  }

  async renewLease(): Promise<void> {
    // One that is under way may have asked before a standstill.
    for (let tries = 0; tries < 2 && !this.leaseValid(); tries += 1) await this.beat();
  }

  doubt(): Promise<void> | undefined {
    return this.leaseValid() ? undefined : this.resolveDoubt();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    this.alarm.close();
    await this.beating;
  }

  private async resolveDoubt(): Promise<void> {
    await this.renewLease();
    // The store is away: whether others have it cannot be known yet.
    if (!this.leaseValid()) await sleep(this.ctx.times.heartbeatMs, undefined, { ref: false });
  }

  /** One beat at a time; errors wait for the next one. */
  beat(): Promise<void> {
    this.beating ??= this.beatUntilQuiet().finally(() => {
      this.beating = undefined;
    });
    return this.beating;
  }

  private async beatUntilQuiet(): Promise<void> {
    do {
      this.again = false;
      if (this.stopped) return;
      try {
        await this.once();
      } catch (error) {
        if (isDomainError(error, 'unavailable')) return;
        this.ctx.logger.warn({ error: String(error) }, 'live upkeep failed');
      }
    } while (this.again);
  }

  private async once(): Promise<void> {
    const started = performance.now();
    const beat = await this.ctx.store.registry.beat(this.ctx.replica);
    await this.ctx.store.bus.check();
    const lost = this.ctx.losses.see(beat.generation);
    const late = started - this.lastBeat >= this.ctx.times.deadAfterMs;
    if (beat.lapsed || late || lost || started >= this.announceDue) {
      // After a long sleep what is not found has ended meanwhile; only a store that just lost it is given it back.
      const remembered = started - this.lastBeat < this.ctx.times.resumeWindowMs;
      await this.announce(remembered || lost, lost);
      // Whoever took this replica for dead may not be through with its sessions yet: once more with the next beat.
      this.announceDue = beat.lapsed || late ? started : started + this.ctx.times.reannounceMs;
    }
    this.ctx.losses.settle(beat.generation);
    this.lastBeat = started;
    await this.catchUp(started);
    await this.ctx.chores.run();
    for (const dead of beat.dead) await this.bury(dead.replica, dead.agoMs);
    await this.doDue();
    if (this.ctx.losses.takeAudit(started)) await this.audit();
    if (this.ctx.losses.settledAt > started) this.alarm.setTo(this.ctx.losses.settledAt);
  }

  private async audit(): Promise<void> {
    try {
      await auditRooms(this.ctx);
    } catch (error) {
      this.ctx.losses.auditAgain();
      throw error;
    }
  }

  /** Tells the store what this replica holds, and learns what became of it. */
  private async announce(create: boolean, lost: boolean): Promise<void> {
    await inChunks([...this.ctx.sessions.values()], async (session) => {
      // Numbers go on after the last one that was told before the loss, which may still be on its way.
      if (lost) await this.ctx.topics.hearAll(session.id);
      if (session.isOver) return;
      const read = await this.ctx.store.sessions.announce(session.announcement(), create);
      if (read.kind === 'missing') session.finish('expired');
      else session.learn(read);
      if (session.isOver) return;
      await this.ctx.store.registry.own(this.ctx.replica, session.id);
      await announceIdentity(this.ctx, session);
    });
    await inChunks(this.ctx.virtuals.all(), (virtual) => virtual.announce(create));
    await this.letGoOfStrays();
    await this.enlist();
    await inChunks(this.ctx.feeds.all(), (feed) => feed.announce());
  }

  /** Sessions that are noted as this replica's and that nobody holds, e.g. as the answer to their resume was lost. */
  private async letGoOfStrays(): Promise<void> {
    const { registry, sessions } = this.ctx.store;
    const owned = await registry.owned(this.ctx.replica);
    const strays = owned.filter((id) => !this.ctx.holds(id));
    await inChunks(strays, async (id) => {
      // One that comes back in this moment asks the store after this.
      if (this.ctx.holds(id)) return;
      await sessions.orphan(id, this.ctx.replica, 0);
      // Now: the look knows when its window ends, and a date that was there must not be put off round after round.
      await registry.schedule(id, 0);
    });
  }

  private async enlist(): Promise<void> {
    const { registry } = this.ctx.store;
    const ids = [...this.ctx.sessions.keys(), ...this.ctx.virtuals.all().map(({ id }) => id)];
    const rooms = this.ctx.feeds.all().flatMap(({ id, residents }) => (residents.members().length > 0 ? [id] : []));
    for (let at = 0; at < ids.length; at += AT_ONCE) await registry.enlist('sessions', ids.slice(at, at + AT_ONCE));
    for (let at = 0; at < rooms.length; at += AT_ONCE) await registry.enlist('rooms', rooms.slice(at, at + AT_ONCE));
  }

  private async catchUp(now: number): Promise<void> {
    await inChunks([...this.ctx.sessions.values()], (session) => session.syncIfDirty());
    await inChunks(this.ctx.feeds.all(), async (feed) => {
      await feed.syncIfDirty();
      await feed.settleIfDue(now);
      if (feed.settleAt !== undefined) this.alarm.setTo(feed.settleAt);
    });
  }

  private async checkpoint(): Promise<void> {
    const saves = [...this.ctx.sessions.values()].map((session) => session.save().catch(() => undefined));
    await Promise.all(saves);
  }

  /** The sessions of a dead replica count as detached from its last beat on. */
  private async bury(replica: ReplicaId, agoMs: number): Promise<void> {
    const { registry, sessions, guards } = this.ctx.store;
    // A join that was under way is due before the window ends.
    const soonest = Math.min(this.ctx.times.halfDoneJoinMs, this.ctx.times.resumeWindowMs);
    if (!(await guards.lease(`undertaker:${replica}`, this.ctx.replica, UNDERTAKER_MS))) return;
    await inChunks([...(await registry.owned(replica))], async (id) => {
      // Whoever looks before it is detached finds nothing to do, and nobody would look again: the date comes after it.
      // Disowned last: should this replica die in between, another one does all of it.
      await sessions.orphan(id, replica, agoMs);
      await registry.schedule(id, Math.max(0, soonest - agoMs));
      await registry.disown(replica, id);
    });
    await registry.retire(replica);
    await guards.release(`undertaker:${replica}`, this.ctx.replica);
  }

  /** Looks at every session and room that is due. */
  async doDue(): Promise<void> {
    const { registry } = this.ctx.store;
    for (let more = true; more;) {
      const due = await registry.claimDue(AT_ONCE);
      await inChunks([...due], (one) => this.lookAt(one));
      more = due.length === AT_ONCE;
    }
    for (let more = true; more;) {
      const due = await registry.claimDueRooms(AT_ONCE);
      await inChunks([...due], (one) => this.lookAtRoom(one));
      more = due.length === AT_ONCE;
    }
    await this.ctx.departures.serve();
  }

  private async lookAtRoom(due: DueRoom): Promise<void> {
    const nextInMs = await this.ctx.store.rooms.expire(due.room);
    await this.ctx.store.registry.settleDueRoom(due, nextInMs);
  }

  private async lookAt(due: DueSession): Promise<void> {
    const look = await this.ctx.store.sessions.look(due.session);
    if (look.kind === 'over') await clearAway(this.ctx, due.session, look.remains);
    else if (look.kind === 'half-done') await this.finishHalfDone(due.session, look);
    // Behind what was half done there may be a window that ends.
    const again = { 'half-done': 0, nothing: undefined, over: undefined };
    await this.ctx.store.registry.settleDue(due, look.kind === 'later' ? look.inMs : again[look.kind]);
  }

  private async finishHalfDone(
    id: SessionId,
    { joining, previous }: Extract<Look, { kind: 'half-done' }>,
  ): Promise<void> {
    const { sessions } = this.ctx.store;
    const tenant = (await sessions.find(id))?.tenant;
    if (joining) {
      await takeOut(this.ctx, joining.room, id, { tenant, attempt: joining.attempt });
      await sessions.gaveUpJoin(id, joining.attempt);
    }
    if (!previous) return;
    await takeOut(this.ctx, previous.room, id, { tenant, attempt: previous.attempt });
    await sessions.leftRoom(id, previous.room, previous.attempt);
  }
}

async function inChunks<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await Promise.all(items.slice(start, start + AT_ONCE).map(work));
  }
}
