import type { OwnedSession } from '@parley/live';
import { wireError, type Effect, type Input, type WireError } from '@parley/protocol-spreed-signaling';
import { keptRoomRequest } from './room-requests';
import type { SpreedServices } from './services';
import { attempted, wireFailure } from './wire-failure';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/** The rooms a connection's session enters and leaves, here and at other clusters. */
export class SessionRooms {
  /**
   * @param owned the session, while it is this connection's
   * @param federationEnded the way to the other cluster is over
   */
  constructor(
    private readonly services: SpreedServices,
    private readonly owned: () => OwnedSession | undefined,
    private readonly federationEnded: () => void,
  ) {}

  async join(effect: EffectOf<'join'>): Promise<Input> {
    const owned = this.owned();
    const { id, roomId, foreignSessionId, inCall } = effect;
    const kind = 'joined' as const;
    try {
      if (owned === undefined) return { kind, id, outcome: { ok: false, error: wireError('no_such_session') } };
      const elsewhere = await this.services.door.elsewhere(owned, roomId);
      if (elsewhere !== undefined) return { kind, id, outcome: { ok: false, error: elsewhere } };
      await owned.begin(keptRoomRequest({ id, roomId, foreignSessionId }));
      const outcome = await this.services.door.join(owned, roomId, foreignSessionId, inCall);
      if (outcome.ok) await this.tellParticipants(owned);
      return { kind, id, outcome };
    } catch (error) {
      return { kind, id, outcome: { ok: false, error: this.report(error, 'join') } };
    }
  }

  async leave(id: string | undefined): Promise<Input> {
    try {
      await this.owned()?.begin(keptRoomRequest({ id, roomId: '', foreignSessionId: undefined }));
      await this.owned()?.leave();
      return { kind: 'left', id, outcome: { ok: true } };
    } catch (error) {
      return { kind: 'left', id, outcome: { ok: false, error: this.report(error, 'leave') } };
    }
  }

  async federate({ id, ...request }: EffectOf<'federate'>): Promise<Input> {
    const kind = 'federated' as const;
    const owned = this.owned();
    try {
      if (owned === undefined) return { kind, id, outcome: { ok: false, error: wireError('no_such_session') } };
      const error = await this.services.federations.join(owned, { id, ...request }, this.federationEnded);
      if (error !== undefined) return { kind, id, outcome: { ok: false, error } };
      return { kind, id, outcome: { ok: true, roomId: request.roomId } };
    } catch (error) {
      return { kind, id, outcome: { ok: false, error: this.report(error, 'federate') } };
    } finally {
      // Its client went away meanwhile.
      if (owned !== undefined && this.owned() !== owned) void this.services.federations.detach(owned);
    }
  }

  async leaveFederation(id: string | undefined): Promise<Input> {
    const owned = this.owned();
    await this.attempt('leave', async () => owned && this.services.federations.leave(owned.record.id, id));
    return { kind: 'federation-ended' };
  }

  async endFederation(): Promise<undefined> {
    const owned = this.owned();
    await this.attempt('leave', async () => owned && this.services.federations.end(owned, true));
    return undefined;
  }

  /** Internal clients take part without a backend that would tell of it (brief 3.2). */
  private async tellParticipants({ record, room }: OwnedSession): Promise<void> {
    if (record.kind !== 'internal' || room === undefined) return;
    await this.attempt('participants', () => this.services.board.publish(room));
  }

  private attempt(during: string, work: () => Promise<void>): Promise<void> {
    return attempted(this.services, during, work);
  }

  private report(error: unknown, during: string): WireError {
    return wireFailure(this.services, error, during);
  }
}
