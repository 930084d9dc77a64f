import { brandAs, type SessionId } from '@parley/domain';
import type { OwnedSession } from '@parley/live';
import type { Effect, Input, WireError } from '@parley/protocol-spreed-signaling';
import { withInCall } from './own-call';
import type { SpreedServices } from './services';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/** What a client wants done without an answer, unless it fails. */
export type SessionRequest = EffectOf<
  'relay' | 'rename' | 'set-transient' | 'set-in-call' | 'virtual' | 'dialout-report'
>;

/** Carries out requests of one session. */
export class SessionRequests {
  constructor(
    private readonly services: SpreedServices,
    private readonly owned: OwnedSession,
    private readonly feed: (input: Input) => void,
  ) {}

  /**
   * @returns what the client is told, if anything
   * @throws when a store does not answer
   */
  async carryOut(request: SessionRequest): Promise<WireError | undefined> {
    switch (request.kind) {
      case 'relay':
        return this.relay(request);
      case 'rename':
        await this.services.renaming.rename(this.owned, request.foreignSessionId);
        return undefined;
      case 'set-transient':
        return this.setTransient(request);
      case 'set-in-call':
        return this.setInCall(request.inCall);
      case 'virtual':
        return this.virtual(request);
      case 'dialout-report':
        await this.services.bridges.report(this.owned.record, request.id, request.roomId, request.report);
        return undefined;
    }
  }

  private async relay({ recipient, event }: EffectOf<'relay'>): Promise<undefined> {
    const { sessions } = this.services;
    const { record, room } = this.owned;
    switch (recipient.type) {
      case 'session':
        // Unknown ones are lost silently: the protocol has no answer for it.
        await sessions.toSession(record.tenant, brandAs<SessionId>(recipient.sessionId), event);
        return;
      case 'user':
        await sessions.toUser(record.tenant, recipient.userId, event, record.id);
        return;
      case 'room':
      case 'call':
        // Who is in the call, each receiver knows of itself.
        if (room !== undefined) await sessions.toRoom(room, event, record.id);
    }
  }

  private async setTransient({ key, value, ttlMs }: EffectOf<'set-transient'>): Promise<undefined> {
    const { room } = this.owned;
    if (room === undefined) return;
    if (value === undefined) await this.services.rooms.removeTransient(room, key);
    else await this.services.rooms.setTransient(room, key, value, ttlMs);
  }

  private async setInCall(inCall: number): Promise<undefined> {
    const { room, record } = this.owned;
    await this.services.sessions.setAttributes(record.id, withInCall(record, inCall));
    if (room === undefined) return;
    await this.services.rooms.patchMembers(room, [{ sessionId: record.id, inCall }]);
    await this.services.board.publish(room);
  }

  private async virtual({ request }: EffectOf<'virtual'>): Promise<WireError | undefined> {
    const { virtuals } = this.services;
    return virtuals.handle(this.owned, request, () => {
      this.feed({ kind: 'virtuals-changed', virtuals: virtuals.of(this.owned.record.id) });
    });
  }
}
