import { brandAs, DomainError, type SessionId } from '@parley/domain';
import type { OwnedSession } from '@parley/live';
import type { SpreedServices } from './services';
import { SessionRooms } from './session-rooms';

// Only what is read of it here.
const owned = { record: { id: brandAs<SessionId>('ada') } } as OwnedSession;
const effect = {
  kind: 'federate',
  id: '1',
  roomId: 'here',
  foreignSessionId: undefined,
  target: { signaling: 'https://far.test/', url: 'https://far.test/', roomId: 'there', token: '' },
} as const;

test.each(['in', 'fails'])(
  'a client that goes away while it enters another cluster (%s) holds no way there',
  async (how) => {
    let present: OwnedSession | undefined = owned;
    const detached: SessionId[] = [];
    const join = async () => {
      present = undefined;
      if (how === 'fails') throw new DomainError('unavailable', 'The store does not answer.');
      return undefined;
    };
    const services = {
      federations: { join, detach: async ({ record }: OwnedSession) => void detached.push(record.id) },
      logger: { warn: () => undefined },
    } as unknown as SpreedServices;
    const rooms = new SessionRooms(
      services,
      () => present,
      () => undefined,
    );
    expect(await rooms.federate(effect)).toMatchObject({ kind: 'federated', id: '1', outcome: { ok: how === 'in' } });
    expect(detached).toEqual([owned.record.id]);
  },
);
