import { randomBytes } from 'node:crypto';
import {
  brandAs,
  connectKeyHash,
  keyMarkOf,
  type JsonObject,
  type RegionId,
  type Robot,
  type RobotTicketClaims,
  type WebhookId,
  type WebhookOrder,
} from '@parley/domain';
import { ringRobotsBell, createRedis } from '@parley/server-kit';
import { eventually, type Envelope, type ScriptedSignalingClient, type TransportName } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { DOMAIN, TestRegion } from './gateway';
import type { Layout } from './layouts';

/** What was handed to a robot. */
export interface Told extends JsonObject {
  readonly id: string;
  readonly event: string;
  readonly roomName: string;
  readonly seq: number;
}

export const isDelivery = (envelope: Envelope): boolean => toldOf(envelope) !== undefined;

export function toldOf({ type, event }: Envelope): Told | undefined {
  const { target, type: what, deliver } = (event ?? {}) as { target?: string; type?: string; deliver?: Told };
  return type === 'event' && target === 'webhook' && what === 'deliver' ? deliver : undefined;
}

/** A robot that is kept with a connect key, and its webhook for all events of the domain. */
export interface Kept {
  readonly robot: Robot;
  readonly keyHash: string;
  readonly webhook: WebhookId;
}

/** A region with robots: in memory nothing, everything in PostgreSQL, so that tests look there. */
export class RobotHouse {
  private opened: TestRegion | undefined;
  private readonly replicas: RunningSignaling[] = [];
  private events = 0;

  /** @param ackMs how long a robot may take to acknowledge */
  constructor(
    readonly ackMs = 30_000,
    private readonly lookMs = 100,
  ) {}

  get region(): TestRegion {
    if (this.opened === undefined) throw new Error('the house is not open');
    return this.opened;
  }

  get prisma() {
    return this.region.database.prisma;
  }

  get one(): RunningSignaling {
    const [replica] = this.replicas;
    if (replica === undefined) throw new Error('the house is not open');
    return replica;
  }

  get two(): RunningSignaling {
    return this.replicas[1] ?? this.one;
  }

  async arrange({ replicas, transport }: Layout): Promise<void> {
    const region = (this.opened ??= await TestRegion.start());
    const robotTimes = { ackMs: this.ackMs, lookMs: this.lookMs };
    while (this.replicas.length < replicas) this.replicas.push(await region.replica({ robotTimes }));
    for (const replica of this.replicas.splice(replicas)) await region.retire(replica);
    region.transport = transport;
  }

  async robot({ order = 'unordered' }: { order?: WebhookOrder } = {}): Promise<Kept> {
    const { robots, webhooks } = this.region.database.stores;
    const keyHash = connectKeyHash(randomBytes(8).toString('hex'));
    const robot = await robots.insert({ domain: DOMAIN, name: 'robot' }, keyHash, new Date());
    const target = { type: 'robot' as const, robotId: Number(robot.id) };
    const { id } = await webhooks.insert({ domain: DOMAIN, roomName: null, target, order }, new Date());
    return { robot, keyHash, webhook: id };
  }

  /** A ticket for it, with these claims instead of its own. */
  ticket({ robot, keyHash }: Kept, claims: Partial<RobotTicketClaims> = {}) {
    return this.region.robotTicket({
      id: randomBytes(8).toString('hex'),
      region: brandAs<RegionId>('eu-1'),
      robot: robot.id,
      domain: robot.domain,
      keyMark: keyMarkOf(keyHash),
      ...claims,
    });
  }

  /** The robot itself, connected. */
  async connected(
    kept: Kept,
    replica = this.one,
    options: { features?: string[]; transport?: TransportName } = {},
  ): Promise<ScriptedSignalingClient> {
    const client = await this.region.connect(replica, `robot ${kept.robot.id}`, options.transport);
    const { features } = options;
    await client.hello({ ...(await this.ticket(kept)), ...(features === undefined ? {} : { features }) });
    return client;
  }

  /** Deliveries for its webhook, as the relay makes them: one for each event `n` of a room. Rings the bell. */
  async deliver({ webhook }: Kept, count: number, room = 'lobby'): Promise<string[]> {
    const made = Array.from({ length: count }, () => {
      const n = (this.events += 1);
      return { eventId: `evt_${n}`, id: `dlv_${n}`, n };
    });
    await this.prisma.outboxEvent.createMany({
      data: made.map(({ eventId, n }) => ({
        id: eventId,
        domainName: DOMAIN,
        roomName: room,
        seq: n,
        type: 'webhook.test',
        payload: {},
        occurredAt: new Date(),
        relayedAt: new Date(),
      })),
    });
    await this.prisma.webhookDelivery.createMany({
      data: made.map(({ id, eventId, n }) => ({
        id,
        eventId,
        webhookId: BigInt(webhook),
        roomName: room,
        position: BigInt(n),
        nextAttemptAt: new Date(0),
      })),
    });
    await this.ring();
    return made.map(({ id }) => id);
  }

  async ring(): Promise<void> {
    const redis = createRedis(this.region.redis.url, 'commands');
    await ringRobotsBell(redis);
    redis.disconnect();
  }

  row(id: string) {
    const include = { tries: { orderBy: { number: 'asc' as const } } };
    return this.prisma.webhookDelivery.findUniqueOrThrow({ where: { id }, include });
  }

  /** Waits until a delivery is settled. */
  async settled(...ids: string[]): Promise<void> {
    const left = () =>
      this.prisma.webhookDelivery.findMany({ where: { id: { in: ids }, state: { not: 'delivered' } } });
    await eventually(
      async () => (await left()).length === 0,
      async () => `all to be delivered; not: ${(await left()).map(({ id, state }) => `${id} ${state}`).join(', ')}`,
      20_000,
    );
  }

  async sendEverybodyHome(): Promise<void> {
    await this.region.sendEverybodyHome();
  }

  async close(): Promise<void> {
    await this.opened?.close();
  }
}

/** Waits for the next delivery. */
export async function nextOf(client: ScriptedSignalingClient, timeoutMs?: number): Promise<Told> {
  const told = toldOf(await client.expect(isDelivery, timeoutMs));
  if (told === undefined) throw new Error('no delivery');
  return told;
}

export function acknowledge(client: ScriptedSignalingClient, id: string): void {
  client.send({ type: 'ack', ack: { id } });
}

/** What a robot was told so far, by the ids of the deliveries. */
export function toldSoFar(client: ScriptedSignalingClient): string[] {
  return client.received.flatMap((envelope) => toldOf(envelope)?.id ?? []);
}
