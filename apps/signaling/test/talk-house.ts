import type { JsonObject } from '@parley/domain';
import type { ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling, SignalingOverrides } from '../src/app';
import { TalkServer, type CloudWishes } from './backend-poster';
import { TestRegion } from './gateway';
import type { Layout } from './layouts';

/**
 * A region with two Nextclouds that share a domain, and one or two replicas. Clients come in by door `one` or `two`, and
 * backends ask at either: a door is a replica; where there is only one replica, both lead to it.
 */
export class TalkHouse {
  private opened: TestRegion | undefined;
  private readonly replicas: RunningSignaling[] = [];
  private readonly extra: RunningSignaling[] = [];
  private readonly clouds: TalkServer[] = [];
  private number = 0;
  private posts = 0;
  private arrangements = 0;

  /**
   * @param overrides what its replicas have otherwise than others
   * @param nextclouds none, when the domain is to be without: then visitors may open rooms in it
   */
  constructor(
    private overrides: SignalingOverrides = {},
    private readonly nextclouds: readonly ('talk' | 'stranger')[] = ['talk', 'stranger'],
  ) {}

  get region(): TestRegion {
    return standing(this.opened);
  }

  get one(): RunningSignaling {
    return standing(this.replicas[0]);
  }

  get two(): RunningSignaling {
    return this.replicas[1] ?? this.one;
  }

  /** The Nextcloud the tests are about. */
  get talk(): TalkServer {
    return standing(this.clouds[0]);
  }

  /** Another tenant, which must neither hear nor reach anything. */
  get stranger(): TalkServer {
    return standing(this.clouds[1]);
  }

  /** Opens it with two replicas, for clients over WebSocket. */
  async start(overrides: SignalingOverrides = this.overrides): Promise<void> {
    this.overrides = overrides;
    await this.arrange({ replicas: 2, transport: 'websocket' });
  }

  /** Opens it, if it is not open, and sees to it that it has so many replicas; clients connect in that way from now on. */
  async arrange({ replicas, transport }: Layout): Promise<void> {
    const region = (this.opened ??= await TestRegion.start());
    for (const id of this.nextclouds.slice(this.clouds.length)) {
      this.clouds.push(await TalkServer.start(region, id));
    }
    while (this.replicas.length < replicas) this.replicas.push(await region.replica(this.overrides));
    for (const replica of this.replicas.splice(replicas)) await region.retire(replica);
    region.transport = transport;
    // What one layout was guessing wrong, another one need not wait for.
    region.address = `198.51.100.${(this.arrangements += 1)}`;
  }

  /** One more replica than the layout has, for the test that asks for it. */
  async anotherReplica(env: Record<string, string> = {}): Promise<RunningSignaling> {
    const replica = await this.region.replica(this.overrides, env);
    this.extra.push(replica);
    return replica;
  }

  /** One more Nextcloud. */
  async newCloud(wishes: CloudWishes = {}): Promise<TalkServer> {
    const cloud = await TalkServer.start(this.region, `cloud-${(this.number += 1)}`, wishes);
    this.clouds.push(cloud);
    return cloud;
  }

  /** Ends the clients, and the replicas that are none of the layout. */
  async sendEverybodyHome(): Promise<void> {
    await this.opened?.sendEverybodyHome();
    for (const replica of this.extra.splice(0)) await this.opened?.retire(replica);
  }

  async close(): Promise<void> {
    const region = this.opened;
    this.opened = undefined;
    this.replicas.splice(0);
    this.extra.splice(0);
    await region?.close();
    await Promise.all(this.clouds.splice(0).map((cloud) => cloud.close()));
  }

  /** The same name for something every time, but another one in every layout: Nextclouds and rooms outlive a layout. */
  readonly here = (name: string): string => `${name}-${this.arrangements}`;

  readonly newToken = (): string => `token${(this.number += 1)}`;
  readonly newUser = (name: string): string => `${name}${(this.number += 1)}`;

  /** Posts what must be accepted, to one door after the other. */
  readonly post = async (token: string, type: string, body: JsonObject): Promise<void> => {
    const asked = (this.posts += 1) % 2 === 0 ? 'one' : 'two';
    await this.postTo(asked)(token, type, body);
  };

  /** Posts what must be accepted, at one of the doors. */
  readonly postTo =
    (asked: 'one' | 'two') =>
    async (token: string, type: string, body: JsonObject): Promise<void> => {
      const answer = await this.talk.post(this[asked], token, type, body);
      expect(answer).toMatchObject({ status: 200, body: '{}' });
    };

  /** A message from `sender` to the room reached the others: what the room was told before has arrived as well. */
  readonly settle = async (sender: ScriptedSignalingClient, ...others: ScriptedSignalingClient[]): Promise<void> => {
    const data = `marker ${(this.number += 1)}`;
    sender.message({ type: 'room' }, data);
    for (const other of others) {
      await other.expect((envelope) => (envelope.message as { data?: unknown } | undefined)?.data === data);
    }
  };

  /** Two members of a room, who came in by both doors and have seen each other. */
  async pair(token: string, of = this.talk): Promise<[ScriptedSignalingClient, ScriptedSignalingClient]> {
    const ada = await of.member(this.one, this.newUser('ada'), token);
    const bob = await of.member(this.two, this.newUser('bob'), token);
    await ada.expectJoined(bob.sessionId);
    return [ada, bob];
  }
}

function standing<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('the house was not started');
  return part;
}
