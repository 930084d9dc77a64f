import { DomainError } from '@parley/domain';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { LiveLogger } from '../engine/context';
import { Batches, batched } from './batches';
import type { RedisTarget } from './config';
import { DEPARTURE_SCRIPTS } from './scripts/departure-scripts';
import { TAKES_PEERS } from './scripts/peer-scripts';
import { REGISTRY_SCRIPTS } from './scripts/registry-scripts';
import { ROOM_SCRIPTS } from './scripts/room-scripts';
import { ROOM_STATE_SCRIPTS } from './scripts/room-state-scripts';
import { SESSION_SCRIPTS } from './scripts/session-scripts';

/** How long a command may take before it counts as unanswered, in milliseconds. */
const COMMAND_TIMEOUT_MS = 2_000;

/** Where the scripts find their text and how many keys they take. */
const SCRIPTS = {
  session: { scripts: SESSION_SCRIPTS, keys: 3 },
  room: { scripts: ROOM_SCRIPTS, keys: 7 },
  'room-state': { scripts: ROOM_STATE_SCRIPTS, keys: 7 },
  registry: { scripts: REGISTRY_SCRIPTS, keys: 1 },
  departure: { scripts: DEPARTURE_SCRIPTS, keys: 2 },
} as const;

/** Scripts of a group that take another number of keys. */
const OTHER_KEYS: Readonly<Record<string, number>> = {
  'registry.beat': 2,
  'registry.answerAsk': 2,
  'session.append': 1,
  'session.checkpoint': 1,
  'room.append': 1,
  ...Object.fromEntries(TAKES_PEERS.map((name) => [`room.${name}`, 8])),
};

export type ScriptName =
  | `session.${keyof typeof SESSION_SCRIPTS}`
  | `room.${keyof typeof ROOM_SCRIPTS}`
  | `room-state.${keyof typeof ROOM_STATE_SCRIPTS}`
  | `registry.${keyof typeof REGISTRY_SCRIPTS}`
  | `departure.${keyof typeof DEPARTURE_SCRIPTS}`;

/** Called for every message, for every session every second, or for all sessions at once. */
const FREQUENT: readonly ScriptName[] = [
  'session.append',
  'session.checkpoint',
  'session.open',
  'session.announce',
  'room.append',
  'registry.index',
  'registry.admit',
  'registry.lease',
];

/** What a script answers. */
export type Reply = string | number | null | Reply[];

/** The connection for commands: to one node or to a cluster. */
export class RedisConnection {
  readonly client: Redis | Cluster;
  /** How channels are published to: sharded on a cluster, so that a message does not cross all nodes. */
  readonly publish: 'PUBLISH' | 'SPUBLISH';
  private wasReady = false;

  /** Missing on a cluster, where two sessions are hardly ever on one node. */
  private readonly batches: Batches | undefined;

  constructor(
    target: RedisTarget,
    private readonly logger: LiveLogger,
  ) {
    this.client = 'url' in target ? new Redis(target.url, commandOptions(target)) : openCluster(target);
    this.publish = 'url' in target ? 'PUBLISH' : 'SPUBLISH';
    this.client.once('ready', () => (this.wasReady = true));
    this.client.on('error', (error: Error) => logger.warn({ error: error.message }, 'live store connection failed'));
    for (const [group, { scripts, keys }] of Object.entries(SCRIPTS)) {
      for (const [name, lua] of Object.entries(scripts)) {
        const command = `${group}.${name}`;
        this.client.defineCommand(command, { lua, numberOfKeys: OTHER_KEYS[command] ?? keys });
        // Takes the number of keys as its first argument.
        if (isFrequent(command)) this.client.defineCommand(batchOf(command), { lua: batched(lua) });
      }
    }
    const execute = (script: ScriptName, keys: readonly string[], args: readonly (string | number)[]) =>
      this.script(batchOf(script))(keys.length, ...keys, ...args);
    this.batches = 'url' in target ? new Batches(execute) : undefined;
  }

  /**
   * Runs a script. Unanswered and refused commands are `unavailable`; whether they were executed is unknown then.
   * @throws DomainError `unavailable`
   */
  run(script: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply> {
    const { batches } = this;
    if (batches && isFrequent(script)) return this.guard(() => batches.run(script, keys, args));
    return this.guard(() => this.script(script)(...keys, ...args));
  }

  /** Any other use of the client, with the same refusals. */
  guard<T>(command: () => Promise<T>): Promise<T> {
    try {
      if (this.isAway) throw new Error('The cluster is not connected.');
      return command().catch((error: unknown) => {
        throw this.refusal(error);
      });
    } catch (error) {
      return Promise.reject(this.refusal(error));
    }
  }

  close(): void {
    this.client.disconnect();
  }

  /** What a cluster's client is given while it has no nodes waits without limit, and is done when nobody wants it. */
  private get isAway(): boolean {
    return this.wasReady && this.client instanceof Cluster && this.client.status !== 'ready';
  }

  private refusal(error: unknown): DomainError {
    const message = error instanceof Error ? error.message : String(error);
    if (message.includes('ERR ') && message.includes('script')) {
      this.logger.warn({ error: message }, 'live store script failed');
    }
    const unavailable = new DomainError('unavailable', 'The live store does not answer.');
    unavailable.cause = error;
    return unavailable;
  }

  private script(name: string): (...args: (string | number)[]) => Promise<Reply> {
    const command: unknown = Reflect.get(this.client, name);
    if (typeof command !== 'function') throw new Error(`live: no script ${name}`);
    // defineCommand adds methods at run time that the client's type cannot show.
    return command.bind(this.client) as (...args: (string | number)[]) => Promise<Reply>;
  }
}

function isFrequent(script: string): boolean {
  return FREQUENT.some((name) => name === script);
}

/** The command that does many calls of a script. */
function batchOf(script: string): string {
  return `${script}s`;
}

/** Options every connection shares. Nothing is sent twice: a repeated append would be a doubled message. */
export function nodeOptions({ answerMs = COMMAND_TIMEOUT_MS }: RedisTarget): RedisOptions {
  return {
    commandTimeout: answerMs,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
    connectTimeout: COMMAND_TIMEOUT_MS,
    keepAlive: 10_000,
    noDelay: true,
  };
}

/** Soon at first, then every second; never gives up. */
export function retryDelay(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 6), 1_000);
}

function commandOptions(target: RedisTarget): RedisOptions {
  return {
    ...nodeOptions(target),
    retryStrategy: retryDelay,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: FREQUENT.map(batchOf),
  };
}

/** A client of the cluster; commands wait for its first connection. */
export function openCluster(target: Extract<RedisTarget, { cluster: unknown }>): Cluster {
  const { cluster: urls } = target;
  return new Cluster([...urls], {
    shardedSubscribers: true,
    enableAutoPipelining: true,
    // In a pipeline they would turn a command connection into a subscriber.
    autoPipeliningIgnoredCommands: ['ssubscribe', 'sunsubscribe'],
    // Lost nodes are found again by MOVED. One that tries by itself would hang the cluster: it waits for it to end.
    clusterRetryStrategy: retryDelay,
    retryDelayOnFailover: 0,
    slotsRefreshInterval: 2_000,
    redisOptions: { ...nodeOptions(target), ...credentials(urls[0]) },
  });
}

/** A cluster's other nodes are found by address, so user, password and TLS come from the first url. */
function credentials(url: string | undefined): RedisOptions {
  if (url === undefined) return {};
  const { username, password, protocol } = new URL(url);
  return {
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}
