import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the signaling server sent it. */
export interface BackendRequest {
  readonly type: string;
  readonly auth?: { version: string; params: { userid?: string; ticket?: string } };
  readonly room?: {
    version: string;
    roomid: string;
    userid?: string;
    sessionid: string;
    action?: string;
    actorid?: string;
    actortype?: string;
    incall?: number;
  };
  readonly session?: {
    version: string;
    roomid: string;
    action: string;
    sessionid: string;
    userid?: string;
    user?: object;
  };
  readonly ping?: { version: string; roomid: string; entries: { userid?: string; sessionid: string }[] };
}

/** What a cloud that knows people and conversations answers; each is the `data` of an OCS answer. */
export interface CloudRules {
  auth(request: BackendRequest): object;
  room(request: BackendRequest): object;
  ping?(request: BackendRequest): void;
}

const CONTROLLER = /^.*\/ocs\/v2\.php\/apps\/spreed\/api\/v[13]\/signaling\/backend$/;
const CAPABILITIES = /^.*\/ocs\/v2\.php\/cloud\/capabilities$/;

/**
 * The part of a Nextcloud that the signaling server asks: who comes in, and into which room. Checks the checksum by
 * itself. Rooms called `secret-…` are refused, those called `quiet-…` give no `control` permission, those
 * called `loud-…` nothing but that, those called `hidden-…` hide names; in those called `named-…` guests are called
 * `guest-of-<room>`.
 */
export class FakeNextcloud {
  readonly requests: BackendRequest[] = [];
  /** Where the requests went, in the same order. */
  readonly paths: string[] = [];
  /** What it says of itself; to be changed by tests. */
  readonly capabilities: { features: string[]; signaling: Record<string, unknown> } = {
    features: ['signaling-v3', 'federation-v2'],
    signaling: {},
  };
  /** Its sessions that are not theirs who ask to join with them. */
  readonly foreignSessions = new Set<string>();
  /** Who is let in; to be replaced by tests whose cloud knows its people. */
  rules: CloudRules = { auth: authAnswer, room: roomAnswer };
  /** Set: somebody tried too often, so Nextcloud answers nobody at this address. */
  bruteForced = false;
  /** How many requests (pings do not count) are answered with 503 and no JSON before it works again. */
  broken = 0;
  /** Those answers come when this is kept. */
  brokenAfter: Promise<void> = Promise.resolve();
  /** Set: requests of the signaling API are sent on, with this status, to this location. */
  redirect: { status: number; location: string } | undefined;
  /** Set: rooms called `slow-…` are answered when this is kept. */
  slowUntil: Promise<void> = Promise.resolve();
  private readonly server: Server;

  /** @param secret of both directions; tests may renew it */
  private constructor(public secret: string) {
    this.server = createServer((request, response) => {
      if (this.redirect && !request.url?.startsWith('/moved')) {
        return void response.writeHead(this.redirect.status, { location: this.redirect.location }).end();
      }
      void this.answer(request).then((data) => {
        if (data === undefined) return void response.writeHead(503, { 'content-type': 'text/html' }).end('broken');
        // Whatever it is about, the status of the answer itself is 200.
        response.setHeader('content-type', 'application/json; charset=utf-8');
        response.end(JSON.stringify({ ocs: this.ocs(request, data) }));
      });
    });
  }

  static async start(secret: string): Promise<FakeNextcloud> {
    const fake = new FakeNextcloud(secret);
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  /** Base URL, with a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** The room requests for one of its sessions: `join` or `leave`, in order. */
  roomActions(sessionid: string): string[] {
    const about = this.requests.filter(({ room }) => room?.sessionid === sessionid);
    return about.map(({ room }) => `${room?.action ?? 'join'} ${room?.roomid}`);
  }

  /** Waits until it was asked something like this. */
  async expectRequest(fits: (request: BackendRequest) => boolean, timeoutMs = 15_000): Promise<BackendRequest> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const found = this.requests.find(fits);
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error(`not asked; only: ${JSON.stringify(this.requests)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private ocs({ url = '' }: IncomingMessage, data: object): object {
    return this.bruteForced && CONTROLLER.test(url)
      ? { meta: { status: 'failure', statuscode: 429, message: 'Reached maximum delay' }, data: [] }
      : { meta: { status: 'ok', statuscode: 200 }, data };
  }

  /** Undefined: it is broken. */
  private async answer(request: IncomingMessage): Promise<object | undefined> {
    const path = request.url ?? '';
    if (request.method === 'GET' && CAPABILITIES.test(path)) return this.capabilitiesAnswer(path);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const random = String(request.headers['spreed-signaling-random']);
    const expected = createHmac('sha256', this.secret).update(random).update(body).digest('hex');
    const genuine = random.length >= 32 && request.headers['spreed-signaling-checksum'] === expected;
    if (!CONTROLLER.test(path) || !genuine) return refusal('invalid_request');
    const asked = JSON.parse(body.toString('utf8')) as BackendRequest;
    // Pings come by the clock.
    if (this.broken > 0 && asked.type !== 'ping') {
      this.broken -= 1;
      await this.brokenAfter;
      return undefined;
    }
    this.requests.push(asked);
    this.paths.push(path);
    if (asked.room?.roomid.startsWith('slow')) await this.slowUntil;
    if (this.foreignSessions.has(asked.room?.sessionid ?? '')) return refusal('no_such_room');
    return this.reply(asked);
  }

  private reply(asked: BackendRequest): object {
    switch (asked.type) {
      case 'auth':
        return this.rules.auth(asked);
      case 'room':
        return this.rules.room(asked);
      case 'ping':
        this.rules.ping?.(asked);
        return { type: 'room', room: { version: '1.0' } };
      default:
        // Talk does not know announcements of virtual sessions.
        return refusal('unknown_type');
    }
  }

  private capabilitiesAnswer(path: string): object {
    this.capabilityPaths.push(path);
    const { features, signaling } = this.capabilities;
    return { version: {}, capabilities: { spreed: { features, config: { signaling } } } };
  }

  /** Where its capabilities were asked for. */
  readonly capabilityPaths: string[] = [];
}

function authAnswer({ auth }: BackendRequest): object {
  if (auth?.params.ticket !== 'good') return refusal('invalid_ticket');
  const { userid } = auth.params;
  const user = { displayname: `Displayname ${userid}` };
  return { type: 'auth', auth: { version: '1.0', userid, user: userid === undefined ? [] : user } };
}

const PERMISSIONS: readonly (readonly [string, readonly string[]])[] = [
  ['quiet', ['publish-audio']],
  ['loud', ['control']],
  ['hidden', ['hide-displaynames']],
];

function roomAnswer({ room }: BackendRequest): object {
  const roomid = room?.roomid ?? '';
  if (roomid.startsWith('secret')) return refusal('no_such_room');
  const permissions = PERMISSIONS.find(([prefix]) => roomid.startsWith(prefix))?.[1];
  const session = roomid.startsWith('named') ? { userid: `guest-of-${roomid}` } : undefined;
  return { type: 'room', room: { version: '1.0', roomid, properties: { name: roomid }, permissions, session } };
}

/** A refusal of the signaling controller. */
export function refusal(code: string): object {
  return { type: 'error', error: { code, message: `refused: ${code}` } };
}
