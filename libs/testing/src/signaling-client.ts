import { createHmac, randomBytes } from 'node:crypto';
import { type JsonObject, type JsonValue } from '@parley/domain';
import { PATIENCE_MS } from './eventually';
import { Inbox } from './inbox';
import { CLOSED_FOR_GOOD, openTransport, type ConnectOptions, type SignalingTransport } from './signaling-transport';

/** A message of the standalone signaling API: `{id?, type, [type]: {...}}`. */
export interface Envelope extends JsonObject {
  type: string;
}

/** A message type, or a function that says whether a message is the awaited one. */
export type Matcher = string | ((envelope: Envelope) => boolean);

export interface Recipient extends JsonObject {
  type: 'session' | 'user' | 'room' | 'call';
  sessionid?: string;
  userid?: string;
}

/**
 * A signaling client that follows a script, see `specs/standalone-signaling-api-v1.txt`. Every `expect…` takes the oldest
 * message that fits out of what was not yet expected; when none comes it throws with everything that did. The script is the same whatever carries its messages.
 */
export class ScriptedSignalingClient {
  private readonly inbox: Inbox<Envelope>;
  private readonly taken = new Set<Envelope>();
  private transport: SignalingTransport | undefined;
  private closedBecause: string | undefined;
  private requests = 0;
  private session: { sessionId: string; resumeId: string } | undefined;

  private constructor(
    private readonly name: string,
    private readonly closedForGood: string,
  ) {
    this.inbox = new Inbox<Envelope>(name, (envelope) => JSON.stringify(envelope));
  }

  /**
   * Opens a connection. The `welcome` message is left for the script to expect.
   * @param url `ws://…/spreed`, or the `http://…` origin for Socket.IO
   * @param options.name how the client is called in messages of failed expectations
   */
  static async connect(
    url: string,
    options: ConnectOptions & { name?: string } = {},
  ): Promise<ScriptedSignalingClient> {
    const { name = 'the client', transport = 'websocket' } = options;
    const client = new ScriptedSignalingClient(name, CLOSED_FOR_GOOD[transport]);
    client.transport = await openTransport(
      url,
      { onFrame: (frame) => client.receive(frame), onClose: (reason) => client.closed(reason) },
      options,
    );
    return client;
  }

  /** Everything that arrived, expected or not. */
  get received(): readonly Envelope[] {
    return this.inbox.all;
  }

  /** The public session id of the last hello. */
  get sessionId(): string {
    return this.greeted().sessionId;
  }

  /** The private resume id of the last hello. */
  get resumeId(): string {
    return this.greeted().resumeId;
  }

  /** Sends an object as it is. */
  send(message: JsonObject): void {
    this.sendRaw(JSON.stringify(message));
  }

  /** Sends bytes or text as they are, e.g. broken ones. */
  sendRaw(frame: string | Buffer): void {
    if (this.transport === undefined) throw new Error(`${this.name} is not connected`);
    this.transport.send(frame);
  }

  /** Sends a request with an id of its own and waits for the answer with that id, an error included. */
  async request(type: string, payload: JsonObject, timeoutMs?: number): Promise<Envelope> {
    const id = this.nextId();
    this.send({ id, type, [type]: payload });
    return this.take((envelope) => envelope.id === id, `the answer to ${type} ${id}`, timeoutMs);
  }

  /** Hello 2.0 with a ticket (or any token) for the backend at `authUrl`. Throws when it is refused. */
  async hello(login: { authUrl: string; ticket: string; features?: string[] }): Promise<Envelope> {
    const auth = { url: login.authUrl, params: { token: login.ticket } };
    return this.greet({ version: '2.0', features: login.features, auth });
  }

  /** Hello 1.0: the backend at `url` checks `params`. */
  async helloV1(login: { url: string; params: JsonObject; features?: string[] }): Promise<Envelope> {
    return this.greet({ version: '1.0', features: login.features, auth: { url: login.url, params: login.params } });
  }

  /** Hello of an internal client, which knows the gateway's internal secret. */
  async helloInternal(login: { secret: string; backend: string; features?: string[] }): Promise<Envelope> {
    const random = randomBytes(32).toString('hex');
    const token = createHmac('sha256', login.secret).update(random).digest('hex');
    const auth = { type: 'internal', params: { random, token, backend: login.backend } };
    return this.greet({ version: '1.0', features: login.features, auth });
  }

  /** Resumes a session, e.g. another client's. `extra` stands beside the resume id. */
  async helloResume(resumeId: string, extra: JsonObject = {}): Promise<Envelope> {
    return this.greet({ version: '1.0', resumeid: resumeId, ...extra });
  }

  /** Joins a room and waits for the answer. Throws when it is refused. */
  async join(roomId: string, extra: JsonObject = {}): Promise<Envelope> {
    return this.accepted(await this.request('room', { roomid: roomId, ...extra }));
  }

  /** Leaves the room it is in. */
  async leave(): Promise<Envelope> {
    return this.join('');
  }

  /** Sends `data` to a session, a user, the room or the call. There is no answer. */
  message(recipient: Recipient, data: JsonValue): void {
    this.send({ type: 'message', message: { recipient, data } });
  }

  /** Gives up the session and waits for the confirmation. */
  async bye(): Promise<Envelope> {
    return this.request('bye', {});
  }

  /** Waits for the oldest message that fits and was not expected yet. */
  async expect(matcher: Matcher, timeoutMs?: number): Promise<Envelope> {
    return this.take(asPredicate(matcher), nameOf(matcher), timeoutMs);
  }

  /** Waits for the next message that was not expected yet; throws when it is another one. */
  async expectNext(matcher: Matcher, timeoutMs?: number): Promise<Envelope> {
    const next = await this.take(() => true, nameOf(matcher), timeoutMs);
    if (asPredicate(matcher)(next)) return next;
    throw new Error(this.inbox.report(`expected ${nameOf(matcher)} next, not ${JSON.stringify(next)}`));
  }

  /** Waits for an error with this code. */
  async expectError(code: string, timeoutMs?: number): Promise<Envelope> {
    return this.take((envelope) => errorCode(envelope) === code, `error ${code}`, timeoutMs);
  }

  /** Waits for a room event that says these sessions joined. */
  async expectJoined(...sessionIds: string[]): Promise<Envelope> {
    const fits = (envelope: Envelope) => sessionIds.every((id) => joinedSessions(envelope).includes(id));
    return this.take(fits, `event room/join of ${sessionIds.join(', ')}`);
  }

  /** Waits until the server has handled everything this client sent: it must answer a message it cannot understand. */
  async fence(timeoutMs?: number): Promise<void> {
    const id = this.nextId();
    this.send({ id, type: 'message', message: {} });
    await this.take((envelope) => envelope.id === id, `the answer to the fence ${id}`, timeoutMs);
  }

  /**
   * Asserts that what fits did not come before `marker`, a message sent after what must not come and on the same way;
   * without a marker a {@link fence} on this connection.
   */
  async expectNothing(forbidden: Matcher, marker?: Matcher): Promise<void> {
    if (marker === undefined) await this.fence();
    else await this.expect(marker);
    const found = this.inbox.all.find((envelope) => !this.taken.has(envelope) && asPredicate(forbidden)(envelope));
    if (found === undefined) return;
    throw new Error(this.inbox.report(`must not get ${nameOf(forbidden)} and got ${JSON.stringify(found)}`));
  }

  /** Waits until the connection is closed; answers why, e.g. `close 1000`. */
  async expectClosed(timeoutMs = PATIENCE_MS): Promise<string> {
    // The inbox throws as soon as the connection has ended, and at the latest when time is up.
    await this.inbox
      .until(() => undefined, 'close', timeoutMs)
      .catch((error: unknown) => {
        if (this.closedBecause === undefined) throw error;
      });
    return String(this.closedBecause);
  }

  /** Waits until the server has closed the connection in good order, for good; throws when it ended otherwise. */
  async expectClosedForGood(timeoutMs?: number): Promise<void> {
    const reason = await this.expectClosed(timeoutMs);
    if (reason !== this.closedForGood)
      throw new Error(this.inbox.report(`ended by ${reason}, not ${this.closedForGood}`));
  }

  /** Breaks the connection without a word, as a lost network does. The session stays resumable. */
  drop(): void {
    this.transport?.drop();
  }

  /** Closes the connection and waits until it is closed. */
  async close(): Promise<void> {
    if (this.closedBecause !== undefined) return;
    this.transport?.close();
    await this.expectClosed();
  }

  private receive(frame: string): void {
    this.inbox.add(JSON.parse(frame) as Envelope);
  }

  private closed(reason: string): void {
    this.closedBecause ??= reason;
    this.inbox.end(reason);
  }

  private async greet(hello: JsonObject): Promise<Envelope> {
    const envelope = this.accepted(await this.request('hello', hello));
    const answer = envelope.hello as { sessionid: string; resumeid: string };
    this.session = { sessionId: answer.sessionid, resumeId: answer.resumeid };
    return envelope;
  }

  private accepted(answer: Envelope): Envelope {
    if (answer.type !== 'error') return answer;
    throw new Error(this.inbox.report(`was refused: ${JSON.stringify(answer.error)}`));
  }

  private greeted(): { sessionId: string; resumeId: string } {
    if (this.session === undefined) throw new Error(`${this.name} has not said hello`);
    return this.session;
  }

  private nextId(): string {
    this.requests += 1;
    return `${this.requests}`;
  }

  private async take(fits: (envelope: Envelope) => boolean, missing: string, timeoutMs?: number): Promise<Envelope> {
    const look = (all: readonly Envelope[]) => all.find((envelope) => !this.taken.has(envelope) && fits(envelope));
    const found = await this.inbox.until(look, missing, timeoutMs);
    this.taken.add(found);
    return found;
  }
}

function asPredicate(matcher: Matcher): (envelope: Envelope) => boolean {
  return typeof matcher === 'string' ? (envelope) => envelope.type === matcher : matcher;
}

function nameOf(matcher: Matcher): string {
  return typeof matcher === 'string' ? `"${matcher}"` : `message that fits ${matcher.toString()}`;
}

function errorCode(envelope: Envelope): string | undefined {
  const error = envelope.error as { code?: string } | undefined;
  return envelope.type === 'error' ? error?.code : undefined;
}

function joinedSessions(envelope: Envelope): string[] {
  const event = envelope.event as { target?: string; type?: string; join?: { sessionid: string }[] } | undefined;
  if (envelope.type !== 'event' || event?.target !== 'room' || event.type !== 'join') return [];
  return (event.join ?? []).map((entry) => entry.sessionid);
}
