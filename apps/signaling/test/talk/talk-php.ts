import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { JsonObject, JsonValue } from '@parley/domain';
import { SignJWT } from 'jose';
import type { TalkServer } from '../backend-poster';
import { refusal, type BackendRequest, type CloudRules, type FakeNextcloud } from '../fake-nextcloud';
import { BackendNotifier, type PhpAnswer } from './backend-notifier';
import { Conversation, type Attendee, type PhpSession } from './conversation';
import type { SignalingSettings } from './talk-socket';
import type { TalkSite } from './talk-web-client';

export interface Visit {
  /** Only the tickets of before Talk 14. */
  readonly onlyV1?: boolean;
  /** Conversations of other clouds, by their name on this side. */
  readonly federated?: Readonly<Record<string, () => Promise<object>>>;
}

const TICKET = 'a ticket';
const CONTROLLER = 'ocs/v2.php/apps/spreed/api/v3/signaling/backend';

/**
 * The PHP side of Talk: keeps conversations, tells the signaling server about them as Talk does (brief 7.2), and answers
 * its questions (brief 7.4).
 */
export class TalkPhp implements CloudRules {
  readonly notifier: BackendNotifier;
  readonly cloud: FakeNextcloud;
  /** How many of the next tokens are ten minutes old when they are given out. */
  staleTokens = 0;
  /** All sessions there ever were, in order. */
  readonly sessions: PhpSession[] = [];
  /** Ids it was pinged about that were never one of its sessions. */
  readonly strangers = new Set<string>();
  private readonly key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  private line = Promise.resolve();
  private readonly conversations = new Map<string, Conversation>();

  /** @param server where the signaling server is reached by everybody */
  constructor(
    private readonly talk: TalkServer,
    private readonly server: string,
  ) {
    this.cloud = talk.cloud;
    this.cloud.rules = this;
    const { signaling } = this.cloud.capabilities;
    signaling['hello-v2-token-key'] = this.key.publicKey.export({ format: 'pem', type: 'spki' }).toString();
    signaling['session-ping-limit'] = 200;
    this.notifier = new BackendNotifier(server, this.cloud.url, talk.secret);
  }

  /** How its users are called elsewhere. */
  cloudId(userId: string): string {
    return `${userId}@${this.cloud.url.replace(/^http:\/\/|\/$/g, '')}`;
  }

  // What pages ask for.

  create(token: string, name: string, ...attendees: readonly Attendee[]): Conversation {
    const conversation = new Conversation(token, name, (session) => this.sessions.push(session));
    conversation.attendees.push(...attendees);
    this.conversations.set(token, conversation);
    return conversation;
  }

  /** A browser of somebody, who is a guest without a user id. */
  visit(attendee: Attendee, { onlyV1 = false, federated = {} }: Visit = {}): TalkSite {
    const sessions = new Map<string, PhpSession>();
    const present = (token: string) => {
      const session = sessions.get(token);
      if (session === undefined) throw new Error(`${attendee.actorId} has not opened ${token}`);
      return session;
    };
    return {
      settings: () => this.settings(attendee, onlyV1),
      joinRoom: async (token) => {
        const session = this.conversation(token).admit(attendee);
        sessions.set(token, session);
        return session.id;
      },
      leaveRoom: async (token) => this.conversation(token).forget(present(token)),
      joinCall: (token, flags) => this.inCallChanged(token, present(token), flags),
      leaveCall: (token) => this.inCallChanged(token, present(token), 0),
      federation: async (token) => federated[token]?.(),
    };
  }

  /** A browser that records a call: an internal client, about whom the signaling server knows without PHP. */
  recorder(say: (type: string, body: object) => void): TalkSite {
    const inCall = (incall: number) => say('internal', { type: 'incall', incall: { incall } });
    const settings = this.recorderSettings();
    return {
      settings: async () => settings,
      joinRoom: async () => undefined,
      leaveRoom: async () => undefined,
      joinCall: async (_token, flags) => inCall(flags),
      leaveCall: async () => inCall(0),
    };
  }

  /** What makes an internal client one, from the start of its page to the end. */
  private recorderSettings(): SignalingSettings {
    const random = randomBytes(32).toString('hex');
    const token = createHmac('sha256', this.talk.internalSecret).update(random).digest('hex');
    const internal = { random, token, backend: this.cloud.url };
    return { server: this.server, backendUrl: this.cloud.url + CONTROLLER, helloAuthParams: { internal } };
  }

  /** What somebody of another cloud needs to join a conversation of this one. */
  async federation(token: string, cloudId: string, displayName: string): Promise<JsonObject> {
    const actor = { actorType: 'federated_users', actorId: cloudId };
    const jwt = await this.token({ sub: cloudId, userdata: { displayname: displayName, ...actor } });
    return { signaling: this.server, url: this.cloud.url + CONTROLLER, roomid: token, token: jwt };
  }

  // What the signaling server is told.

  invite(token: string, userids: readonly string[]): Promise<PhpAnswer> {
    const { properties } = this.conversation(token);
    const invite = { userids: [...userids], alluserids: this.everybody(token), properties };
    return this.notifier.notify(token, { type: 'invite', invite });
  }

  /** Takes somebody out, with a session that is closed for it. */
  async remove(token: string, attendee: Attendee): Promise<void> {
    const conversation = this.conversation(token);
    const sessions = conversation.sessions.filter((session) => session.attendee === attendee);
    conversation.remove(attendee);
    const sessionids = sessions.map(({ id }) => id);
    const disinvite = { sessionids, alluserids: this.everybody(token), properties: conversation.properties };
    await this.notifier.notify(token, { type: 'disinvite', disinvite });
    for (const session of sessions) conversation.forget(session);
    await this.participantsModified(token, []);
  }

  /** Takes back invitations. */
  async disinvite(token: string, userids: readonly string[]): Promise<void> {
    const { properties } = this.conversation(token);
    const disinvite = { userids: [...userids], alluserids: this.everybody(token), properties };
    await this.notifier.notify(token, { type: 'disinvite', disinvite });
  }

  async modify(token: string, properties: JsonObject): Promise<void> {
    Object.assign(this.conversation(token).properties, properties);
    const update = { userids: this.everybody(token), properties: this.conversation(token).properties };
    await this.notifier.notify(token, { type: 'update', update });
  }

  async delete(token: string): Promise<void> {
    const userids = this.everybody(token);
    this.conversations.delete(token);
    await this.notifier.notify(token, { type: 'delete', delete: { userids } });
  }

  async switchTo(token: string, target: string, sessions: readonly string[]): Promise<void> {
    await this.notifier.notify(token, { type: 'switchto', switchto: { roomid: target, sessions: [...sessions] } });
  }

  /** Somebody's rights are others now. */
  async participantsModified(token: string, changed: readonly Attendee[]): Promise<void> {
    const conversation = this.conversation(token);
    const users = conversation.attendees.flatMap((attendee) => conversation.entries(attendee));
    const told = changed.flatMap((attendee) => {
      const permissions = [...conversation.permissionsOf(attendee)];
      return conversation.entries(attendee).map((entry) => ({ ...entry, permissions }));
    });
    await this.notifier.notify(token, { type: 'participants', participants: { changed: told, users } });
  }

  /** Somebody joined or left the call, or turned a camera on. */
  async inCallChanged(token: string, session: PhpSession, flags: number): Promise<void> {
    const conversation = this.conversation(token);
    session.inCall = flags;
    // Of lists that overtake each other the last to arrive counts: scripts are about others things than that.
    this.line = this.line.then(async () => {
      const all = conversation.attendees.flatMap((attendee) => conversation.entries(attendee));
      const named = all.map((entry): JsonObject => ({ ...entry, nextcloudSessionId: entry.sessionId ?? '0' }));
      const users = named.filter((entry) => entry.inCall !== 0);
      const changed = named.filter((entry) => entry.sessionId === session.id);
      await this.notifier.notify(token, { type: 'incall', incall: { incall: flags, changed, users } });
    });
    await this.line;
  }

  async endCallForAll(token: string): Promise<void> {
    for (const session of this.conversation(token).sessions) session.inCall = 0;
    await this.notifier.notify(token, { type: 'incall', incall: { incall: 0, all: true } });
  }

  /** Calls somebody; the answer is read whatever its status is. */
  async dialOut(token: string, number: string, attendee: Attendee): Promise<{ status: number; dialout: JsonValue }> {
    const { actorType, actorId } = attendee;
    const options = { attendeeId: 7, actorType, actorId, anonymous: false, caller: '+49301234567' };
    const body = JSON.stringify({ type: 'dialout', dialout: { number, options } });
    const answer = await this.notifier.send(token, body);
    return { status: answer.status, dialout: (JSON.parse(answer.body) as { dialout: JsonValue }).dialout };
  }

  async message(token: string, data: JsonObject): Promise<void> {
    await this.notifier.notify(token, { type: 'message', message: { data } });
  }

  // What the signaling server asks.

  auth({ auth }: BackendRequest): object {
    const { userid, ticket } = auth?.params ?? {};
    if (ticket !== `${TICKET} of ${userid ?? ''}`) return refusal('invalid_ticket');
    return { type: 'auth', auth: { version: '1.0', ...(userid ? { userid, user: { displayname: userid } } : {}) } };
  }

  room({ room }: BackendRequest): object {
    const conversation = this.conversations.get(room?.roomid ?? '');
    if (room === undefined || conversation === undefined) return refusal('no_such_room');
    const session =
      conversation.session(room.sessionid) ?? (room.action === 'leave' ? undefined : actorOf(room, conversation));
    if (session === undefined) return refusal('no_such_room');
    if (room.action === 'leave') conversation.left(session);
    session.inCall = room.incall ?? session.inCall;
    const { token: roomid, properties } = conversation;
    const permissions = conversation.permissionsOf(session.attendee);
    return { type: 'room', room: { version: '1.0', roomid, properties, permissions } };
  }

  ping({ ping }: BackendRequest): void {
    for (const { sessionid } of ping?.entries ?? []) {
      const session = this.sessions.find(({ id }) => id === sessionid);
      if (session) session.lastPing += 1;
      else if (sessionid !== '0') this.strangers.add(sessionid);
    }
  }

  conversation(token: string): Conversation {
    const conversation = this.conversations.get(token);
    if (conversation === undefined) throw new Error(`there is no conversation ${token}`);
    return conversation;
  }

  /** User ids of everybody in a conversation; of people of other clouds their cloud ids. */
  private everybody(token: string): string[] {
    const { attendees } = this.conversation(token);
    return attendees.filter(({ actorType }) => actorType.endsWith('users')).map(({ actorId }) => actorId);
  }

  private async settings({ actorType, actorId, displayName }: Attendee, onlyV1: boolean): Promise<SignalingSettings> {
    const isUser = actorType === 'users';
    const user = isUser ? { userid: actorId } : {};
    const v1 = { ...user, ticket: `${TICKET} of ${user.userid ?? ''}` };
    const claims = isUser ? { sub: actorId, userdata: { displayname: displayName } } : {};
    const v2 = onlyV1 ? {} : { '2.0': { token: await this.token(claims) } };
    const backendUrl = this.cloud.url + CONTROLLER;
    return { server: [`${this.server}`], backendUrl, helloAuthParams: { '1.0': v1, ...v2 } };
  }

  private async token(claims: JsonObject): Promise<string> {
    const iat = Math.floor(Date.now() / 1_000) - (this.staleTokens > 0 ? 600 : 0);
    this.staleTokens = Math.max(0, this.staleTokens - 1);
    const jwt = new SignJWT({ iss: this.cloud.url, ...claims, iat, exp: iat + 60 });
    return jwt.setProtectedHeader({ alg: 'ES256' }).sign(this.key.privateKey);
  }
}

/** Somebody who comes through the signaling server only, e.g. by telephone or from another cloud. */
function actorOf({ actorid, actortype, sessionid }: NonNullable<BackendRequest['room']>, conversation: Conversation) {
  const attendee = conversation.attendees.find(
    ({ actorType, actorId }) => actorType === actortype && actorId === actorid,
  );
  return attendee && conversation.admit(attendee, sessionid);
}
