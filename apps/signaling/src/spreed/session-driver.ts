import type { Delivery, EndReason, OwnedSession, SessionSink } from '@parley/live';
import type {
  Effect,
  Input,
  NewSessionRequest,
  Position,
  TimerName,
  WireError,
} from '@parley/protocol-spreed-signaling';
import type { Driver } from '../connections/connection-runner';
import { Repeats } from '../federation/repeats';
import { Outbox, OUTBOX_LIMITS } from '../connections/outbox';
import type { Transport } from '../connections/transport';
import type { TurnEnd } from '../connections/turn-end';
import type { SpreedServices } from './services';
import { DirectMail } from './direct-mail';
import { SessionEntry, type Entered } from './session-entry';
import { SessionRooms } from './session-rooms';
import { SessionRequests, type SessionRequest } from './session-requests';
import { attempted, wireFailure } from './wire-failure';

/** What is done here, without the bus. */
const LOCAL: ReadonlySet<Effect['kind']> = new Set([
  'mark',
  'answered',
  'acknowledge',
  'call',
  'close',
  'start-timer',
  'stop-timer',
  'open-session',
  'resume-session',
  'detach-session',
]);

/** Carries out what the state machine of one connection wants: frames, timers, and calls to the house. */
export class SessionDriver implements Driver<Input, Effect>, SessionSink {
  private readonly outbox: Outbox<Position>;
  private readonly timers = new Map<TimerName, NodeJS.Timeout>();
  private readonly mail: DirectMail;
  private readonly entry: SessionEntry;
  private readonly rooms: SessionRooms;
  private readonly repeats = new Repeats();
  private owned: OwnedSession | undefined;
  /** Work that has to be done before this replica may go. */
  private farewell: Promise<void> = Promise.resolve();

  /** @param feed hands an input to the machine */
  constructor(
    private readonly services: SpreedServices,
    private readonly transport: () => Transport,
    private readonly feed: (input: Input) => void,
    tooSlow: () => void,
    turnEnd: TurnEnd,
  ) {
    this.entry = new SessionEntry(services);
    this.rooms = new SessionRooms(services, () => this.owned, this.federationEnded);
    this.outbox = new Outbox<Position>(
      (frames, flushed) => this.transport().send(frames, flushed),
      (position) => this.owned?.acknowledge(position),
      tooSlow,
      OUTBOX_LIMITS,
      () => this.mail.written(this.owned),
      turnEnd,
      () => this.owned?.doubt(),
    );
    this.mail = new DirectMail(this.outbox);
  }

  /** Resolves once the session is given up or ended, if it is. */
  get settled(): Promise<void> {
    return this.farewell;
  }

  deliver({ cursor, event }: Delivery): void {
    if (this.repeats.has(event)) return this.passed(cursor);
    const told = event.kind === 'webhook-delivery' ? this.services.robots.opened(event) : event;
    if (told === undefined) return this.passed(cursor);
    this.feed({ kind: 'delivered', event: told, position: cursor });
  }

  deliverDirectly({ cursor, event }: Delivery): boolean {
    if (this.owned === undefined || !this.mail.take(event)) return false;
    this.deliver({ cursor, event });
    return true;
  }

  flush(): void {
    this.outbox.flush();
  }

  passed(cursor: Position): void {
    this.outbox.mark(cursor);
  }

  ended(reason: EndReason, detail?: string): void {
    this.outbox.dropDoubtful();
    // What was taken directly in this turn is written, or kept in the log for whoever has the session now.
    this.outbox.flush();
    const owned = this.letGo();
    // Whether it went on elsewhere or is over, shows itself to whoever holds the connection to the other cluster.
    if (owned) void this.services.federations.detach(owned);
    this.feed({ kind: 'ended', reason, ...(detail === undefined ? {} : { detail }) });
  }

  /** Resolves once what was sent so far is gone. */
  flushed(): Promise<void> {
    return this.outbox.empty();
  }

  /** Stops timers and frames; the session is the machine's business. */
  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.outbox.close();
    this.mail.written(this.owned);
  }

  perform(effect: Effect): Promise<Input | undefined> | void {
    // By far the most frequent.
    if (effect.kind === 'send') return this.outbox.push(effect.frame, effect.position);
    const { owned } = this;
    if (owned === undefined || LOCAL.has(effect.kind)) return this.carryOut(effect);
    if (effect.kind === 'relay' && this.mail.send(owned, effect)) return;
    return owned.overBus(async () => (await this.carryOut(effect)) ?? undefined);
  }

  private carryOut(effect: Exclude<Effect, { kind: 'send' }>): Promise<Input | undefined> | void {
    switch (effect.kind) {
      case 'mark':
        return this.outbox.mark(effect.position);
      case 'answered':
        return this.answered();
      case 'acknowledge':
        return this.acknowledge(effect);
      case 'call':
        return this.owned && this.services.census.call(this.owned, effect.inside);
      case 'close':
        return this.close(effect.code);
      case 'start-timer':
        return this.startTimer(effect.timer);
      case 'stop-timer':
        return clearTimeout(this.timers.get(effect.timer));
      case 'open-session':
        return this.openSession(effect.hello);
      case 'resume-session':
        return this.resumeSession(effect);
      case 'join':
        return this.mail.joining(() => this.rooms.join(effect));
      case 'leave':
        return this.rooms.leave(effect.id);
      case 'end-session':
        return this.endSession();
      case 'detach-session':
        return this.detach();
      case 'federate':
        return this.rooms.federate(effect);
      case 'proxy':
        return this.owned && this.services.federations.send(this.owned.record.id, effect.text);
      case 'leave-federation':
        return this.rooms.leaveFederation(effect.id);
      case 'end-federation':
        return this.rooms.endFederation();
      default:
        return this.request(effect);
    }
  }

  private close(code: number): void {
    const { transport } = this;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.outbox.finish();
    transport().close(code);
  }

  /** The request is kept with the session until its answer has left the process. */
  private answered(): void {
    const { owned } = this;
    const request = owned?.request;
    if (request === undefined) return;
    void this.outbox.empty().then(() => this.outbox.isClosed || owned?.settle(request));
  }

  private startTimer(timer: TimerName): void {
    clearTimeout(this.timers.get(timer));
    // The answer to a hello may come when the connection is over.
    if (this.outbox.isClosed) return;
    const ms = timer === 'hello' ? this.services.times.helloMs : this.services.times.guestJoinMs;
    this.timers.set(
      timer,
      setTimeout(() => this.feed({ kind: 'timer', timer }), ms),
    );
  }

  private readonly federationEnded = () => this.feed({ kind: 'federation-ended' });

  private async openSession(hello: NewSessionRequest): Promise<Input> {
    return this.entered(await this.entry.open(hello, this.transport().address, this), hello.features);
  }

  private async resumeSession(effect: Extract<Effect, { kind: 'resume-session' }>): Promise<Input> {
    const { resumeId, lastSeen, features } = effect;
    const { address } = this.transport();
    const entered = await this.entry.resume(resumeId, lastSeen, address, this, this.federationEnded);
    return this.entered(entered, features);
  }

  private entered({ owned, input }: Entered, announced: readonly string[]): Input {
    this.owned = owned;
    if (owned) this.mail.opened([...owned.record.features, ...announced], this.transport().kind);
    if (owned) {
      const how = input.kind === 'session-opened' ? 'opened' : 'resumed';
      this.services.census.arrived(owned, how);
      this.services.robots.arrived(owned);
    } else if (input.kind === 'session-resumed') this.services.census.resumeRefused();
    return input;
  }

  /** Waited for, so that what a client sends keeps its order whatever way each part of it takes. */
  private async request(effect: SessionRequest): Promise<Input | undefined> {
    const { owned } = this;
    if (owned === undefined) return undefined;
    const requests = new SessionRequests(this.services, owned, this.feed);
    try {
      const error = await requests.carryOut(effect);
      return error && { kind: 'request-failed', id: effect.id, error };
    } catch (error) {
      return { kind: 'request-failed', id: effect.id, error: this.report(error, effect.kind) };
    }
  }

  /** A robot has done what it was handed. */
  private async acknowledge({ id, deliveryId }: Extract<Effect, { kind: 'acknowledge' }>): Promise<Input | undefined> {
    const { owned } = this;
    if (owned === undefined) return undefined;
    try {
      const error = await this.services.robots.acknowledge(owned, deliveryId);
      return error && { kind: 'request-failed', id, error };
    } catch (error) {
      return { kind: 'request-failed', id, error: this.report(error, 'acknowledge') };
    }
  }

  private async endSession(): Promise<Input> {
    const owned = this.letGo();
    this.farewell = this.attempt('bye', async () => {
      if (owned) await this.services.federations.end(owned, false);
      await owned?.close();
      if (owned) await this.services.robots.left(owned);
    });
    await this.farewell;
    return { kind: 'session-ended' };
  }

  /** The session is not this connection's any more. */
  private letGo(): OwnedSession | undefined {
    const { owned } = this;
    this.owned = undefined;
    if (owned) {
      this.services.census.departed(owned);
      this.services.robots.departed(owned);
    }
    return owned;
  }

  /** Not waited for by the machine: the connection is over. */
  private detach(): void {
    // What was taken directly in this turn is written, or kept in the log, while the session is still ours.
    this.outbox.flush();
    const owned = this.letGo();
    const settled = owned && this.services.federations.detach(owned);
    this.farewell = this.attempt('detach', async () => {
      await settled;
      await owned?.detach();
    });
  }

  private attempt(during: string, work: () => Promise<void>): Promise<void> {
    return attempted(this.services, during, work);
  }

  private report(error: unknown, during: string): WireError {
    return wireFailure(this.services, error, during);
  }
}
