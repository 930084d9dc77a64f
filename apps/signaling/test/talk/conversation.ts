import { randomBytes } from 'node:crypto';
import type { JsonObject } from '@parley/domain';

/** Who may take part in a conversation. */
export interface Attendee {
  readonly actorType: 'users' | 'guests' | 'federated_users' | 'phones';
  readonly actorId: string;
  readonly displayName: string;
  readonly isModerator?: boolean;
}

/** An attendee with the conversation open, in PHP's words. */
export interface PhpSession {
  readonly id: string;
  readonly attendee: Attendee;
  inCall: number;
  lastPing: number;
}

/** What somebody may do: the names that the signaling server knows, and PHP's number for them. */
interface Permissions {
  readonly names: readonly string[];
  readonly bits: number;
}

const PERMITTED: Permissions = { names: ['publish-audio', 'publish-video', 'publish-screen'], bits: 254 };
const LISTENER: Permissions = { names: [], bits: 1 };

/** A conversation as Nextcloud keeps it. */
export class Conversation {
  readonly attendees: Attendee[] = [];
  readonly sessions: PhpSession[] = [];
  private readonly listeners = new Set<Attendee>();
  /** Shown to everybody; `participant-list` says how much of a change it is. */
  readonly properties: JsonObject;

  constructor(
    readonly token: string,
    readonly name: string,
    private readonly admitted: (session: PhpSession) => void,
  ) {
    this.properties = {
      name,
      type: 3,
      'lobby-state': 0,
      'lobby-timer': null,
      'read-only': 0,
      listable: 0,
      'active-since': null,
      'sip-enabled': 1,
    };
  }

  /** Opens it for somebody; the id is long, random and full of what URLs do not like. */
  admit(attendee: Attendee, id = `${randomBytes(180).toString('base64')}+/x=`): PhpSession {
    const session = { id, attendee, inCall: 0, lastPing: 0 };
    if (!this.attendees.includes(attendee)) this.attendees.push(attendee);
    this.sessions.push(session);
    this.admitted(session);
    return session;
  }

  session(id: string): PhpSession | undefined {
    return this.sessions.find((session) => session.id === id);
  }

  /** The signaling server has it no more. Users may come back with the same session, guests are forgotten. */
  left(session: PhpSession): void {
    session.inCall = 0;
    if (session.attendee.actorType !== 'users') this.forget(session);
  }

  /** A guest without a session is nobody. */
  forget(session: PhpSession): void {
    if (!this.sessions.includes(session)) return;
    this.sessions.splice(this.sessions.indexOf(session), 1);
    if (session.attendee.actorType === 'guests') this.remove(session.attendee);
  }

  remove(attendee: Attendee): void {
    const index = this.attendees.indexOf(attendee);
    if (index >= 0) this.attendees.splice(index, 1);
  }

  mute(attendee: Attendee): void {
    this.listeners.add(attendee);
  }

  permissionsOf(attendee: Attendee): readonly string[] {
    const { names } = this.listeners.has(attendee) ? LISTENER : PERMITTED;
    return attendee.isModerator ? [...names, 'control'] : names;
  }

  /** An attendee as the signaling server is told, with every session or, without any, once. */
  entries(attendee: Attendee): JsonObject[] {
    const { actorType, actorId, displayName } = attendee;
    const about = {
      participantType: attendee.isModerator ? 1 : actorType === 'guests' ? 4 : 3,
      participantPermissions: (this.listeners.has(attendee) ? LISTENER : PERMITTED).bits,
      displayName,
      actorType,
      actorId,
      ...(actorType === 'users' ? { userId: actorId } : {}),
    };
    const sessions = this.sessions.filter((session) => session.attendee === attendee);
    if (sessions.length === 0) return [{ inCall: 0, lastPing: 0, sessionId: '0', ...about }];
    return sessions.map(({ id, inCall, lastPing }) => ({ inCall, lastPing, sessionId: id, ...about }));
  }
}
