import { eventually } from '@parley/testing';
import type { Crowd } from './crowd';
import type { FaultHouse } from './fault-house';
import type { Promises } from './ledger';
import type { Member } from './member';
import type { RedisKind } from './redis-behind-gates';

/** What is done to a house full of people, and what they are promised all the same. */
export interface Fault extends Promises {
  readonly name: string;
  readonly kinds: readonly RedisKind[];
  /** Does it and mends it. */
  strike(house: FaultHouse, crowd: Crowd): Promise<void>;
  /** Redis lost what it knew: who was not connected may have to start anew. */
  readonly loses: boolean;
  /** Redis was away: senders must have heard of it. */
  readonly refuses: boolean;
  /** The first gateway dies or freezes: its connections break. */
  readonly fells?: boolean;
}

const BOTH: readonly RedisKind[] = ['one Redis', 'a Redis cluster'];
const CLUSTER: readonly RedisKind[] = ['a Redis cluster'];

export const KILLED: Fault = {
  name: 'a replica is killed',
  kinds: BOTH,
  replays: true,
  loses: false,
  refuses: false,
  fells: true,
  async strike(house) {
    await house.kill(0);
    // As an orchestrator does; who was there before is somewhere else by now.
    await house.startGateways(1);
  },
};

export const FROZEN: Fault = {
  name: 'a replica is frozen for 10 s',
  kinds: BOTH,
  replays: true,
  loses: false,
  refuses: false,
  fells: true,
  async strike(house, crowd) {
    const frozen = house.gateway(0);
    const thawAt = performance.now() + 10_000;
    await frozen.freeze();
    await crowd.hearsWhatCame();
    // Every third one has patience and finds everything as it was; the others go to the other replica.
    const movers = crowd.at(0).filter((_, index) => index % 3 !== 2);
    for (const member of movers) member.turnAway();
    await crowd.movedTo(movers);
    await elapsed(thawAt);
    frozen.thaw();
    await endedCleanly(movers);
  },
};

/** The connections they left behind say that the session went on elsewhere, end, and say nothing else. */
async function endedCleanly(movers: readonly Member[]): Promise<void> {
  const ghosts = movers.flatMap((member) => member.ghosts);
  await eventually(
    () => ghosts.every(({ line }) => line.closed !== undefined),
    () => `the ${ghosts.length} old connections to be ended`,
    30_000,
  );
  for (const { line, frames } of ghosts) {
    // What was just being handed on may be answered.
    const told = frames.filter((frame) => frame.type !== 'error');
    expect(told).toEqual([{ type: 'bye', bye: { reason: 'session_resumed' } }]);
    expect(line.closed).toBe('close 1000');
  }
}

export const CUT: Fault = {
  name: 'the connections to Redis are cut for 5 s',
  kinds: BOTH,
  replays: true,
  loses: false,
  refuses: true,
  async strike({ redis }, crowd) {
    const until = performance.now() + 5_000;
    for (const gate of redis.gates) gate.lock();
    await stumblers(crowd);
    await elapsed(until);
    for (const gate of redis.gates) gate.unlock();
  },
};

export const SILENT: Fault = {
  name: 'Redis is silent for 5 s, its connections stand',
  kinds: BOTH,
  replays: true,
  loses: false,
  refuses: true,
  async strike({ redis }, crowd) {
    const until = performance.now() + 5_000;
    for (const gate of redis.gates) gate.stall();
    await stumblers(crowd);
    await elapsed(until);
    for (const gate of redis.gates) gate.flow();
  },
};

export const RESTARTED: Fault = {
  name: 'Redis is restarted and empty',
  kinds: BOTH,
  replays: true,
  loses: true,
  refuses: true,
  async strike({ redis }, crowd) {
    await deserters(crowd);
    const restarting = Promise.all(redis.urls.map((_, node) => redis.restart(node)));
    await stumblers(crowd);
    await restarting;
  },
};

export const ONE_NODE_RESTARTED: Fault = {
  name: 'one node of three is restarted and empty',
  kinds: CLUSTER,
  replays: true,
  loses: true,
  refuses: true,
  async strike({ redis }, crowd) {
    // Who was on the other nodes has its thirty seconds, unless its room was on this one.
    for (const { life } of await deserters(crowd)) {
      const node = await redis.nodeOf(`parley:{s:${life?.session}}:rec`);
      if (life !== undefined && node !== 1) crowd.doubtful.add(life.session);
    }
    const restarting = redis.restart(1);
    await stumblers(crowd);
    await restarting;
  },
};

export const FLUSHED: Fault = {
  name: 'Redis is flushed under load',
  kinds: BOTH,
  replays: false,
  loses: true,
  refuses: false,
  async strike({ redis }, crowd) {
    await deserters(crowd);
    await redis.flush();
    await stumblers(crowd);
  },
};

/** Some lose their connections in the middle of it: of each kind, on each gateway. */
async function stumblers(crowd: Crowd): Promise<void> {
  const chosen = [0, 1].flatMap((gateway) =>
    [true, false].flatMap((counts) => crowd.pick(gateway, counts, crowd.rooms[0])),
  );
  await Promise.all(chosen.map((member) => member.stumble()));
}

/** Some go just before it and do not come back. */
async function deserters(crowd: Crowd): Promise<readonly Member[]> {
  const chosen = [...crowd.pick(0, true, crowd.rooms[1]), ...crowd.pick(1, false, crowd.rooms[1])];
  await Promise.all(chosen.map((member) => member.desert()));
  return chosen;
}

async function elapsed(until: number): Promise<void> {
  await eventually(() => performance.now() >= until, 'the time of the fault to pass', 60_000);
}
