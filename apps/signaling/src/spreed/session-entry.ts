import { createHash, randomBytes } from 'node:crypto';
import { brandAs, type SessionId } from '@parley/domain';
import type { OwnedSession, ResumeOutcome, SessionRecord, SessionSink } from '@parley/live';
import {
  DIALECT,
  wireError,
  type DeliveredEvent,
  type Input,
  type NewSessionRequest,
  type Position,
  type ResumedFacts,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import { Repeats } from '../federation/repeats';
import { rightOf, rightToAttributes, type Authenticated } from './entry-right';
import { isOrphaned } from './evictions';
import { inCallOf } from './own-call';
import { openRoomRequest } from './room-requests';
import type { SpreedServices } from './services';
import { wireFailure } from './wire-failure';

/** Public ids are compared by clients to decide who offers, so they must not be in any order; 18 random bytes. */
const SESSION_ID_BYTES = 18;
const RESUME_SECRET_BYTES = 24;

/** What the machine is told, and the session it now has. */
export interface Entered {
  readonly owned: OwnedSession | undefined;
  readonly input: Input;
}

type Resumed = Extract<ResumeOutcome, { kind: 'resumed' }>;
type Whereabouts = Pick<ResumedFacts, 'room' | 'request' | 'entered'>;

/** Opens and resumes the sessions of connections. */
export class SessionEntry {
  constructor(private readonly services: SpreedServices) {}

  /** A new session, if whoever says hello may come in. Never throws. */
  async open(hello: NewSessionRequest, address: string, sink: SessionSink): Promise<Entered> {
    const kind = 'session-opened' as const;
    const refused = (error: WireError): Entered => ({
      owned: undefined,
      input: { kind, outcome: { ok: false, error } },
    });
    try {
      const authenticated = await this.services.authenticator.authenticate(hello, address);
      if (!authenticated.ok) return refused(authenticated.error);
      const { identity, right, sessionLimit } = authenticated.value;
      const secret = randomBytes(RESUME_SECRET_BYTES).toString('base64url');
      const record = recordOf(authenticated.value, hello.features, secret);
      const limit = sessionLimit === undefined ? {} : { limit: sessionLimit };
      const owned = await this.services.sessions.open(record, sink, limit).catch((error: unknown) => {
        this.services.census.refused(record.tenant, error);
        throw error;
      });
      // It may have been shut out meanwhile, and its sessions ended before there was this one.
      if (await isOrphaned(this.services.backends, owned)) {
        await owned.close();
        return refused(wireError('invalid_backend'));
      }
      const facts = {
        sessionId: record.id,
        resumeId: `${record.id}.${secret}`,
        identity: { ...identity, foreign: isForeign(right) },
      };
      return { owned, input: { kind, outcome: { ok: true, ...facts } } };
    } catch (error) {
      return refused(wireFailure(this.services, error, 'hello'));
    }
  }

  /** Takes a session over from a connection that was lost. Never throws. */
  async resume(
    resumeId: string,
    lastSeen: Position | undefined,
    address: string,
    sink: SessionSink,
    federationEnded: () => void,
  ): Promise<Entered> {
    const { sessions, throttle } = this.services;
    const kind = 'session-resumed' as const;
    const refused = (error: WireError): Entered => ({
      owned: undefined,
      input: { kind, outcome: { ok: false, error } },
    });
    let owned: OwnedSession | undefined;
    try {
      if (await throttle.isBlocked('HelloResume', { address })) return refused(wireError('too_many_requests'));
      const [id, secret] = splitResumeId(resumeId);
      if (id === undefined || secret === undefined) {
        const outcome = await throttle.failed('HelloResume', { address });
        return refused(wireError(outcome === 'blocked' ? 'too_many_requests' : 'no_such_session'));
      }
      const outcome = await sessions.resume(id, secret, sink, lastSeen);
      if (outcome.kind === 'no_such_session') return refused(wireError('no_such_session'));
      owned = outcome.session;
      if ((await isOrphaned(this.services.backends, owned)) || (await this.services.robots.isShutOut(owned))) {
        await owned.close();
        return refused(wireError('no_such_session'));
      }
      const facts = await this.resumedFacts(resumeId, outcome);
      const missed = outcome.missed.map(({ event }) => event);
      const federation = await this.services.federations.attach(owned, missed, federationEnded);
      return { owned, input: { kind, outcome: { ok: true, ...facts, federation } } };
    } catch (error) {
      // Its client does not know that it has it, and may say hello for another one on this connection.
      await owned?.detach();
      return refused(wireFailure(this.services, error, 'resume'));
    }
  }

  private async resumedFacts(resumeId: string, outcome: Resumed): Promise<ResumedFacts> {
    const { virtuals, board } = this.services;
    const { session, missed, cursor, room: snapshot } = outcome;
    const repeats = new Repeats();
    const { record } = session;
    const members = snapshot?.members ?? [];
    const self = members.find(({ sessionId }) => sessionId === record.id);
    const inCall = self?.inCall ?? inCallOf(record);
    return {
      sessionId: record.id,
      resumeId,
      identity: { kind: record.kind, userId: authenticatedId(record), foreign: isForeign(rightOf(record)) },
      features: record.features,
      ...(record.permissions === undefined ? {} : { permissions: record.permissions }),
      ...(inCall === undefined ? {} : { inCall }),
      virtuals: virtuals.of(record.id),
      ...(await this.whereabouts(outcome)),
      participants: snapshot === undefined ? [] : await board.current(snapshot.cursor.id, members),
      missed: missed.flatMap(({ event, cursor: position }): DeliveredEvent[] =>
        repeats.has(event) ? [] : [{ event, position }],
      ),
      position: cursor,
    };
  }

  /** The room it is in, or what is to be told about it because that was not answered yet. */
  private async whereabouts({ session, room, entered }: Resumed): Promise<Whereabouts> {
    const { door } = this.services;
    const request = session.request && openRoomRequest(session.request.body);
    const current = room && (await door.currentRoom(session, room));
    if (!entered || request === undefined || room === undefined || current === undefined) {
      return { room: current, request };
    }
    const answer = await door.entered(session, room, current);
    return answer === undefined ? { room: current, request } : { room: undefined, request, entered: answer };
  }
}

function recordOf(
  { identity, tenant, displayName, user, right }: Authenticated,
  features: readonly string[],
  secret: string,
): SessionRecord {
  return {
    id: brandAs<SessionId>(randomBytes(SESSION_ID_BYTES).toString('base64url')),
    tenant,
    kind: identity.kind,
    userId: identity.userId,
    ...(displayName === undefined ? {} : { displayName }),
    ...(user === undefined ? {} : { user }),
    features,
    dialect: DIALECT,
    resumeVerifier: createHash('sha256').update(secret).digest('hex'),
    attributes: rightToAttributes(right),
  };
}

/** Who it was at the hello: a guest stays one, whatever a room calls it. */
function authenticatedId(record: SessionRecord): string {
  const right = rightOf(record);
  return right.kind === 'backend' ? right.userId : record.userId;
}

/** Whether a backend's permission lists say what it may do. */
function isForeign(right: Authenticated['right']): boolean {
  return right.kind === 'backend';
}

/** `<session id>.<secret>`; anything else is no resume id, a public session id in particular. */
function splitResumeId(text: string): [SessionId | undefined, string | undefined] {
  const [id, secret, ...rest] = text.split('.');
  if (!id || !secret || rest.length > 0) return [undefined, undefined];
  return [brandAs<SessionId>(id), secret];
}
