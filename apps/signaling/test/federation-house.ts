import { generateKeyPairSync } from 'node:crypto';
import type { JsonObject } from '@parley/domain';
import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import { SignJWT } from 'jose';
import type { RunningSignaling } from '../src/app';
import { event, eventOf, foreignIdOf, type TalkServer } from './backend-poster';
import type { Layout } from './layouts';
import { TalkHouse } from './talk-house';
import { TcpGate } from './tcp-gate';

/** A cluster with a Nextcloud of its own. */
export class TestCluster extends TalkHouse {
  constructor() {
    super(
      {
        backendTimes: { pingMs: 300, leaveRetryMs: [50, 50] },
        // A replica that cannot reach its Redis for a while is dead for the others; nobody waits for a window to end.
        liveTimes: { deadAfterMs: 5_000 },
        federationTimes: { firstRetryMs: 50, lastRetryMs: 200 },
      },
      ['talk'],
    );
  }

  /** The replica to which the way between the clusters leads. */
  get gateway(): RunningSignaling {
    return this.one;
  }
}

/** Two clusters, `near` and `far`, with nothing in common but the way between them. */
export class FederationHouse {
  readonly near = new TestCluster();
  readonly far = new TestCluster();
  private readonly key = generateKeyPairSync('ed25519');
  private way: TcpGate | undefined;
  private number = 0;

  /** Two clusters of one replica each, for clients over WebSocket. */
  static async start(): Promise<FederationHouse> {
    const house = new FederationHouse();
    await house.arrange({ replicas: 1, transport: 'websocket' });
    return house;
  }

  /** See {@link TalkHouse.arrange}; both clusters have as many replicas. */
  async arrange(layout: Layout): Promise<void> {
    await Promise.all([this.near, this.far].map((cluster) => cluster.arrange(layout)));
    this.way ??= await TcpGate.to(this.far.gateway.url);
    this.trustsUs(this.far.talk);
  }

  get gate(): TcpGate {
    if (this.way === undefined) throw new Error('the houses were not started');
    return this.way;
  }

  /** From now on this Nextcloud takes the tokens made here for its own. */
  trustsUs({ cloud }: TalkServer): void {
    const key = this.key.publicKey.export({ format: 'pem', type: 'spki' }).toString();
    cloud.capabilities.signaling['hello-v2-token-key'] = key;
  }

  async sendEverybodyHome(): Promise<void> {
    this.way?.unlock();
    await Promise.all([this.near, this.far].map((cluster) => cluster.sendEverybodyHome()));
  }

  async close(): Promise<void> {
    const { way } = this;
    this.way = undefined;
    await this.near.close();
    await way?.close();
    await this.far.close();
  }

  readonly newRoom = (): { local: string; remote: string } => {
    this.number += 1;
    return { local: `here-${this.number}`, remote: `there-${this.number}` };
  };

  /** Another replica of the near cluster. */
  async nearReplica(env: Record<string, string> = {}): Promise<RunningSignaling> {
    return this.near.anotherReplica(env);
  }

  /** One whose way to Redis can be cut; its gate is to be closed by the test. */
  async nearReplicaBehindGate(): Promise<{ replica: RunningSignaling; toRedis: TcpGate }> {
    const toRedis = await TcpGate.to(this.near.region.redis.url);
    return { toRedis, replica: await this.nearReplica({ REDIS_URL: toRedis.url.replace('http:', 'redis:') }) };
  }

  /** How the far cloud calls somebody of the near one. */
  cloudId(userId: string): string {
    return `${userId}@${addressOf(this.near)}`;
  }

  /** A token the far cloud gave to somebody of the near one. */
  async token(userId: string): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const actor = { actorType: 'federated_users', actorId: this.cloudId(userId) };
    const userdata = { displayname: `Displayname ${userId}`, ...actor };
    const jwt = new SignJWT({ userdata, sub: this.cloudId(userId), iat: now, exp: now + 60 });
    return jwt.setProtectedHeader({ alg: 'EdDSA' }).sign(this.key.privateKey);
  }

  /** What stands beside the room's name in a request to enter it. */
  async federation(userId: string, remote: string, more: JsonObject = {}): Promise<JsonObject> {
    const { url } = this.far.talk.cloud;
    return { signaling: this.gate.url, url, roomid: remote, token: await this.token(userId), ...more };
  }

  /** Somebody of the near cloud enters a room of the far one. */
  async enter(
    client: ScriptedSignalingClient,
    userId: string,
    room: { local: string; remote: string },
  ): Promise<Envelope> {
    const federation = await this.federation(userId, room.remote);
    const answer = await client.join(room.local, { sessionid: foreignIdOf(client), federation });
    await client.expectJoined(client.sessionId);
    return answer;
  }

  /** A host of the far cloud, and a guest of the near one, who see each other. */
  async pair(options: { features?: string[]; replica?: RunningSignaling } = {}): Promise<{
    host: ScriptedSignalingClient;
    guest: ScriptedSignalingClient;
    room: { local: string; remote: string };
    /** The guest as the host knows it. */
    remoteId: string;
  }> {
    const { features = [], replica = this.near.gateway } = options;
    const room = this.newRoom();
    const host = await this.far.talk.member(this.far.two, 'bob', room.remote, { name: 'host' });
    const guest = await this.near.talk.user(replica, 'ada', { name: 'guest', features });
    await this.enter(guest, 'ada', room);
    await guest.expectJoined(host.sessionId);
    const [entry] = joinOf(await host.expect(event('room', 'join')));
    return { host, guest, room, remoteId: idOf(entry) };
  }
}

/** What somebody's cloud is called in ids. */
export function addressOf({ talk }: TestCluster): string {
  return new URL(talk.cloud.url).host;
}

export function joinOf(envelope: Envelope): JsonObject[] {
  return eventOf(envelope)?.join as JsonObject[];
}

export function idOf(entry: JsonObject | undefined): string {
  if (typeof entry?.sessionid !== 'string') throw new Error(`no session id in ${JSON.stringify(entry)}`);
  return entry.sessionid;
}
