import { createHash, randomBytes } from 'node:crypto';
import { brandAs, isDomainError, type SessionId, type TenantKey } from '@parley/domain';
import type { Delivery, EndReason, LiveSessions, OwnedSession, SessionRecord, SessionSink } from '@parley/live';
import {
  DIALECT,
  thrownToWire,
  wireError,
  type DeliveredEvent,
  type Effect,
  type Input,
  type NewSessionRequest,
  type Position,
  type ProtocolTimes,
  type TimerName,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import type { Logger, UnknownErrorReporter } from '@parley/server-kit';
import type { Driver } from '../connections/connection-runner';
import { Outbox } from '../connections/outbox';
import type { Transport } from '../connections/transport';
import type { AttemptThrottle } from './attempt-throttle';
import type { Authenticator } from './authenticator';
import type { Door } from './door';
import { rightToAttributes } from './entry-right';

/** What every connection of a replica works with. */
export interface SpreedServices {
  readonly sessions: LiveSessions;
  readonly authenticator: Authenticator;
  readonly door: Door;
  readonly throttle: AttemptThrottle;
  readonly times: ProtocolTimes;
  readonly logger: Logger;
  readonly errors: UnknownErrorReporter;
}

/** Public ids are compared by clients to decide who offers, so they must not be in any order; 18 random bytes. */
const SESSION_ID_BYTES = 18;
const RESUME_SECRET_BYTES = 24;

/** Carries out what the state machine of one connection wants: frames, timers, and calls to the house. */
export class SessionDriver implements Driver<Input, Effect>, SessionSink {
  private readonly outbox: Outbox<Position>;
  private readonly timers = new Map<TimerName, NodeJS.Timeout>();
  private owned: OwnedSession | undefined;
  /** Work that has to be done before this replica may go. */
  private farewell: Promise<void> = Promise.resolve();

  /** @param feed hands an input to the machine */
  constructor(
    private readonly services: SpreedServices,
    private readonly transport: () => Transport,
    private readonly feed: (input: Input) => void,
    tooSlow: () => void,
  ) {
    this.outbox = new Outbox<Position>(
      (frame, flushed) => this.transport().send(frame, flushed),
      (position) => this.owned?.acknowledge(position),
      tooSlow,
    );
  }

  /** Resolves once the session is given up or ended, if it is. */
  get settled(): Promise<void> {
    return this.farewell;
  }

  deliver({ cursor, event }: Delivery): void {
    this.feed({ kind: 'delivered', event, position: cursor });
  }

  ended(reason: EndReason, detail?: string): void {
    this.owned = undefined;
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
  }

  perform(effect: Effect): Promise<Input | undefined> | void {
    switch (effect.kind) {
      case 'send':
        return this.outbox.push(effect.frame, effect.position);
      case 'mark':
        return this.outbox.mark(effect.position);
      case 'close':
        return this.close(effect.code);
      case 'start-timer':
        return this.startTimer(effect.timer);
      case 'stop-timer':
        return clearTimeout(this.timers.get(effect.timer));
      case 'open-session':
        return this.openSession(effect.hello);
      case 'resume-session':
        return this.resumeSession(effect.resumeId, effect.lastSeen);
      case 'join':
        return this.join(effect);
      case 'leave':
        return this.leave(effect.id);
      case 'relay':
        return this.relay(effect);
      case 'end-session':
        return this.endSession();
      case 'detach-session':
        return this.detach();
    }
  }

  private close(code: number): void {
    const { transport } = this;
    for (const timer of this.timers.values()) clearTimeout(timer);
    // Frames pushed just before are handed over already, or wait for a reader that does not read.
    transport().close(code);
  }

  private startTimer(timer: TimerName): void {
    clearTimeout(this.timers.get(timer));
    const ms = timer === 'hello' ? this.services.times.helloMs : this.services.times.guestJoinMs;
    this.timers.set(
      timer,
      setTimeout(() => this.feed({ kind: 'timer', timer }), ms),
    );
  }

  private async openSession(hello: NewSessionRequest): Promise<Input> {
    const { authenticator, sessions } = this.services;
    const kind = 'session-opened' as const;
    try {
      const authenticated = await authenticator.authenticate(hello, this.transport().address);
      if (!authenticated.ok) return { kind, outcome: authenticated };
      const { identity, tenant, displayName, user, right } = authenticated.value;
      const secret = randomBytes(RESUME_SECRET_BYTES).toString('base64url');
      const record: SessionRecord = {
        id: brandAs<SessionId>(randomBytes(SESSION_ID_BYTES).toString('base64url')),
        tenant,
        kind: identity.kind,
        userId: identity.userId,
        ...(displayName === undefined ? {} : { displayName }),
        ...(user === undefined ? {} : { user }),
        features: hello.features,
        dialect: DIALECT,
        resumeVerifier: createHash('sha256').update(secret).digest('hex'),
        attributes: rightToAttributes(right),
      };
      this.owned = await sessions.open(record, this);
      return { kind, outcome: { ok: true, sessionId: record.id, resumeId: `${record.id}.${secret}`, identity } };
    } catch (error) {
      return { kind, outcome: { ok: false, error: this.report(error, 'hello') } };
    }
  }

  private async resumeSession(resumeId: string, lastSeen: Position | undefined): Promise<Input> {
    const { sessions, throttle, door } = this.services;
    const refused = (error: WireError): Input => ({ kind: 'session-resumed', outcome: { ok: false, error } });
    try {
      const { address } = this.transport();
      if (await throttle.isBlocked('HelloResume', address)) return refused(wireError('too_many_requests'));
      const [id, secret] = splitResumeId(resumeId);
      if (id === undefined || secret === undefined) {
        await throttle.failed('HelloResume', address);
        return refused(wireError('no_such_session'));
      }
      const outcome = await sessions.resume(id, secret, this, lastSeen);
      if (outcome.kind === 'no_such_session') return refused(wireError('no_such_session'));
      this.owned = outcome.session;
      const { record } = outcome.session;
      return {
        kind: 'session-resumed',
        outcome: {
          ok: true,
          sessionId: record.id,
          resumeId,
          identity: { kind: record.kind, userId: record.userId },
          features: record.features,
          room: await door.currentRoom(outcome.session),
          missed: outcome.missed.map(({ event, cursor }): DeliveredEvent => ({ event, position: cursor })),
        },
      };
    } catch (error) {
      return refused(this.report(error, 'resume'));
    }
  }

  private async join({ id, roomId, foreignSessionId }: Extract<Effect, { kind: 'join' }>): Promise<Input> {
    const { owned } = this;
    try {
      if (owned === undefined)
        return { kind: 'joined', id, outcome: { ok: false, error: wireError('no_such_session') } };
      return { kind: 'joined', id, outcome: await this.services.door.join(owned, roomId, foreignSessionId) };
    } catch (error) {
      return { kind: 'joined', id, outcome: { ok: false, error: this.report(error, 'join') } };
    }
  }

  private async leave(id: string | undefined): Promise<Input> {
    try {
      await this.owned?.leave();
      return { kind: 'left', id, outcome: { ok: true } };
    } catch (error) {
      return { kind: 'left', id, outcome: { ok: false, error: this.report(error, 'leave') } };
    }
  }

  /** Waited for, so that a client's messages keep their order whatever way each of them takes. */
  private async relay({ id, recipient, event }: Extract<Effect, { kind: 'relay' }>): Promise<Input | undefined> {
    const { sessions } = this.services;
    const { owned } = this;
    if (owned === undefined) return undefined;
    const { tenant } = owned.record;
    try {
      if (recipient.type === 'session') await this.toSession(tenant, recipient.sessionId, event);
      else if (recipient.type === 'user') await sessions.toUser(tenant, recipient.userId, event, owned.record.id);
      else if (owned.room !== undefined) await sessions.toRoom(owned.room, event, owned.record.id);
      return undefined;
    } catch (error) {
      return { kind: 'relay-failed', id, error: this.report(error, 'message') };
    }
  }

  private async toSession(tenant: TenantKey, to: string, event: Parameters<LiveSessions['toSession']>[2]) {
    // Unknown ones are lost silently: the protocol has no answer for it.
    await this.services.sessions.toSession(tenant, brandAs<SessionId>(to), event);
  }

  private async endSession(): Promise<Input> {
    const { owned } = this;
    this.owned = undefined;
    this.farewell = this.attempt('bye', async () => owned?.close());
    await this.farewell;
    return { kind: 'session-ended' };
  }

  /** Not waited for by the machine: the connection is over. */
  private detach(): void {
    const { owned } = this;
    this.owned = undefined;
    this.farewell = this.attempt('detach', async () => owned?.detach());
  }

  private async attempt(during: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.report(error, during);
    }
  }

  private report(error: unknown, during: string): WireError {
    if (!isDomainError(error)) this.services.errors.report(error, { during, protocol: DIALECT });
    else if (error.code === 'unavailable') this.services.logger.warn({ during }, 'the live layer or database is away');
    return thrownToWire(error);
  }
}

/** `<session id>.<secret>`; anything else is no resume id, a public session id in particular. */
function splitResumeId(text: string): [SessionId | undefined, string | undefined] {
  const [id, secret, ...rest] = text.split('.');
  if (!id || !secret || rest.length > 0) return [undefined, undefined];
  return [brandAs<SessionId>(id), secret];
}
