import { createHmac, randomBytes } from 'node:crypto';
import type { JsonObject } from '@parley/domain';
import type { NewBackend } from '@parley/persistence';
import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { FakeNextcloud } from './fake-nextcloud';
import type { TestRegion } from './gateway';

/** How the gateway answered a request. */
export interface PostAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

/** Who says hello to a gateway. */
interface Newcomer {
  readonly features?: string[];
  /** How the client is called in messages of failed expectations. */
  readonly name?: string;
  /** Where it says it comes from, if that is not the controller of this Nextcloud. */
  readonly url?: string;
}

/** What is special about a Nextcloud. */
export interface CloudWishes extends Partial<NewBackend> {
  /** Other hosts under which it is known, e.g. `localhost`. */
  readonly aliases?: readonly string[];
  /** It has no internal secret. */
  readonly isWithoutServices?: boolean;
}

/** A Nextcloud with Talk: registered as a backend, answers the gateway, and tells it about its rooms. */
export class TalkServer {
  private constructor(
    private readonly region: TestRegion,
    readonly id: string,
    readonly cloud: FakeNextcloud,
    private readonly wishes: CloudWishes,
  ) {}

  /** Starts one and registers it; the first of a region has the plain names of rooms. */
  static async start(region: TestRegion, id: string, wishes: CloudWishes = {}): Promise<TalkServer> {
    const secret = `secret of ${id}`;
    const server = new TalkServer(region, id, await FakeNextcloud.start(secret), wishes);
    await server.register();
    return server;
  }

  /** Adds it as the operator would. */
  async register(): Promise<void> {
    const { aliases = [], isWithoutServices = false, ...more } = this.wishes;
    const { secret, internalSecret } = this;
    const urls = [this.cloud.url, ...aliases.map((host) => this.cloud.url.replace('127.0.0.1', host))];
    const secrets = isWithoutServices ? { secret } : { secret, internalSecret };
    await this.region.operator.add(this.id, urls, { ...secrets, ...more });
  }

  /** The secret it shares with the gateway. */
  get secret(): string {
    return this.cloud.secret;
  }

  /** From now on it has this secret, and the gateway is told. */
  async changeSecret(secret: string): Promise<void> {
    this.cloud.secret = secret;
    await this.region.operator.change(this.id, { secret });
  }

  /** Removes it as the operator would. */
  async unregister(): Promise<void> {
    await this.region.operator.remove(this.id);
  }

  /** What its services know. */
  get internalSecret(): string {
    return `internal secret of ${this.id}`;
  }

  async close(): Promise<void> {
    await this.cloud.close();
  }

  /** A user of this Nextcloud with a session, in no room. */
  async user(replica: RunningSignaling, userid: string, options: Newcomer = {}): Promise<ScriptedSignalingClient> {
    return this.newcomer(replica, { ticket: 'good', userid }, { name: userid, ...options });
  }

  /** Somebody with a session and without a name. */
  async guest(replica: RunningSignaling, options: Newcomer = {}): Promise<ScriptedSignalingClient> {
    return this.newcomer(replica, { ticket: 'good' }, { name: 'guest', ...options });
  }

  /** A user that joined a room and saw itself come in. */
  async member(
    replica: RunningSignaling,
    userid: string,
    token: string,
    options: Newcomer = {},
  ): Promise<ScriptedSignalingClient> {
    const client = await this.user(replica, userid, options);
    await this.enter(client, token);
    return client;
  }

  /** A service of this Nextcloud, e.g. a recorder. */
  async service(
    replica: RunningSignaling,
    name: string,
    options: { features?: string[] } = {},
  ): Promise<ScriptedSignalingClient> {
    const client = await this.region.connect(replica, name);
    await client.helloInternal({ secret: this.internalSecret, backend: this.cloud.url, ...options });
    return client;
  }

  async enter(client: ScriptedSignalingClient, token: string): Promise<void> {
    await client.join(token, { sessionid: foreignIdOf(client) });
    await client.expectJoined(client.sessionId);
  }

  /** Posts `{type, [type]: body}` the way Talk does. */
  async post(replica: RunningSignaling, token: string, type: string, body: JsonObject): Promise<PostAnswer> {
    return this.postText(replica, token, JSON.stringify({ type, [type]: body }));
  }

  async postText(
    replica: RunningSignaling,
    token: string,
    body: string,
    headers: Record<string, string> = {},
    secret = this.secret,
  ): Promise<PostAnswer> {
    const random = randomBytes(32).toString('hex');
    const answer = await fetch(`${replica.url}/api/v1/room/${encodeURIComponent(token)}`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'spreed-signaling-random': random,
        'spreed-signaling-checksum': createHmac('sha256', secret).update(random).update(body).digest('hex'),
        'spreed-signaling-backend': this.cloud.url,
        'x-forwarded-for': this.region.address,
        ...headers,
      },
    });
    return { status: answer.status, body: await answer.text(), headers: answer.headers };
  }

  private async newcomer(
    replica: RunningSignaling,
    params: JsonObject,
    { name, features, url = this.controller }: Newcomer,
  ): Promise<ScriptedSignalingClient> {
    const client = await this.region.connect(replica, name ?? 'somebody');
    await client.helloV1({ url, params, features });
    return client;
  }

  /** What Talk's clients name: the complete URL of its signaling controller. */
  private get controller(): string {
    return `${this.cloud.url}ocs/v2.php/apps/spreed/api/v3/signaling/backend`;
  }
}

/** What its services (recorder, SIP bridge) prove themselves with. */
export /** The name by which Nextcloud knows a client's session. */
function foreignIdOf(client: ScriptedSignalingClient): string {
  return `nc/${client.sessionId}+=`;
}

interface Event extends JsonObject {
  readonly target: string;
  readonly type: string;
}

export function eventOf(envelope: Envelope): Event | undefined {
  return envelope.type === 'event' ? (envelope.event as Event) : undefined;
}

/** An event of this target and type. */
export function event(target: string, type: string): (envelope: Envelope) => boolean {
  return (envelope) => eventOf(envelope)?.target === target && eventOf(envelope)?.type === type;
}

/** Waits for an event; answers its payload. */
export async function expectEvent(client: ScriptedSignalingClient, target: string, type: string): Promise<unknown> {
  return eventOf(await client.expect(event(target, type)))?.[type];
}

/** A `room` that nobody asked for. */
export const isRoom = (envelope: Envelope): boolean => envelope.type === 'room' && envelope.id === undefined;

export const isUpdate = event('participants', 'update');

/** A frame with this text in it. */
export const says =
  (text: string) =>
  (envelope: Envelope): boolean =>
    JSON.stringify(envelope).includes(`"${text}"`);

/** The public ids of all who were told to have joined, in order. */
export function joinedIn(client: ScriptedSignalingClient): string[] {
  return client.received
    .flatMap((envelope) => (eventOf(envelope)?.join as { sessionid: string }[] | undefined) ?? [])
    .map(({ sessionid }) => sessionid);
}
