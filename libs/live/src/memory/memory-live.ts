import type { Clock, ReplicaId } from '@parley/domain';
import { createReplica } from '../engine/replica';
import { storeTimes } from '../limits';
import { LIVE_TIMES, type Live, type LiveTimes } from '../port';
import type { Bus, LiveStore, Topic } from '../store';
import { memoryAsks } from './asks';
import { memoryDepartures } from './departures';
import { memoryGuards } from './guards';
import { MemoryLiveHub } from './hub';
import { memoryRegistry } from './registry';
import { memoryRooms } from './rooms';
import { memorySessions } from './sessions';

/** The live layer without Redis: for tests and for trying things out. Replicas with the same hub see each other. */
export function createMemoryLive(options: {
  readonly replica: ReplicaId;
  readonly hub?: MemoryLiveHub;
  readonly times?: Partial<LiveTimes>;
  /** The store's time, when this call makes the hub. */
  readonly clock?: Clock;
}): Live {
  const times = { ...LIVE_TIMES, ...options.times };
  const hub = options.hub ?? new MemoryLiveHub(options.clock);
  return createReplica(options.replica, memoryStore(hub, times), times, { warn: () => undefined });
}

/** One replica's connection to a hub. */
export function memoryStore(hub: MemoryLiveHub, times: LiveTimes): LiveStore {
  const spans = storeTimes(times);
  return {
    sessions: memorySessions(hub, spans),
    rooms: memoryRooms(hub, spans),
    registry: memoryRegistry(hub, spans),
    departures: memoryDepartures(hub, spans),
    guards: memoryGuards(hub),
    asks: memoryAsks(hub),
    bus: memoryBus(hub),
    healthy: () => hub.run(() => true).catch(() => false),
    close: async () => undefined,
  };
}

function memoryBus(hub: MemoryLiveHub): Bus {
  const mine = new Map<Topic, (text: string) => void>();
  const unlisten = (topic: Topic): void => {
    const listener = mine.get(topic);
    if (!listener) return;
    mine.delete(topic);
    const all = hub.channels.get(topic);
    all?.delete(listener);
    if (all?.size === 0) hub.channels.delete(topic);
  };
  return {
    listen: async (topic, listener) => {
      unlisten(topic);
      mine.set(topic, listener);
      const all = hub.channels.get(topic) ?? new Set();
      hub.channels.set(topic, all.add(listener));
    },
    unlisten: async (topic) => unlisten(topic),
    fence: () => new Promise((resolve) => setImmediate(resolve)), // after what was published, as `publish` does it
    onInterrupted: () => undefined,
    check: async () => undefined,
  };
}
