import type { JsonObject } from '@parley/domain';
import type { ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling, SignalingOverrides } from '../src/app';
import { TalkServer } from './backend-poster';
import { TestRegion } from './gateway';

/** Two replicas and two Nextclouds that share a domain, for tests of what backends ask for. */
export class TalkHouse {
  private parts:
    | {
        readonly region: TestRegion;
        readonly one: RunningSignaling;
        readonly two: RunningSignaling;
        readonly talk: TalkServer;
        readonly stranger: TalkServer;
      }
    | undefined;
  private number = 0;

  get region(): TestRegion {
    return this.started.region;
  }

  get one(): RunningSignaling {
    return this.started.one;
  }

  get two(): RunningSignaling {
    return this.started.two;
  }

  /** The Nextcloud the tests are about. */
  get talk(): TalkServer {
    return this.started.talk;
  }

  /** Another tenant, which must neither hear nor reach anything. */
  get stranger(): TalkServer {
    return this.started.stranger;
  }

  async start(overrides: SignalingOverrides = {}): Promise<void> {
    const region = await TestRegion.start();
    const talk = await TalkServer.start(region, 'talk');
    const stranger = await TalkServer.start(region, 'stranger', true);
    this.parts = { region, talk, stranger, one: await region.replica(overrides), two: await region.replica(overrides) };
  }

  async sendEverybodyHome(): Promise<void> {
    await this.parts?.region.sendEverybodyHome();
  }

  async close(): Promise<void> {
    await this.parts?.region.close();
    await this.parts?.talk.close();
    await this.parts?.stranger.close();
  }

  readonly newToken = (): string => `token${(this.number += 1)}`;
  readonly newUser = (name: string): string => `${name}${(this.number += 1)}`;

  /** Posts to one of the replicas what must be accepted. */
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

  /** Two members of a room, on two replicas, who have seen each other. */
  async pair(token: string, of = this.talk): Promise<[ScriptedSignalingClient, ScriptedSignalingClient]> {
    const ada = await of.member(this.one, this.newUser('ada'), token);
    const bob = await of.member(this.two, this.newUser('bob'), token);
    await ada.expectJoined(bob.sessionId);
    return [ada, bob];
  }

  private get started(): NonNullable<TalkHouse['parts']> {
    if (this.parts === undefined) throw new Error('the house was not started');
    return this.parts;
  }
}
