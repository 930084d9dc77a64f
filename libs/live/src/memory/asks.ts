import type { AskStore } from '../state-store';
import type { MemoryLiveHub } from './hub';

/** Questions in memory. */
export function memoryAsks(hub: MemoryLiveHub): AskStore {
  const open = (askId: string) => {
    const known = hub.asks.get(askId);
    return known && known.until > hub.now() ? known : undefined;
  };
  return {
    open: (askId, ttlMs) => hub.run(() => void hub.asks.set(askId, { until: hub.now() + ttlMs, json: undefined })),
    answer: (askId, json) =>
      hub.run(() => {
        const known = open(askId);
        if (!known || known.json !== undefined) return false;
        known.json = json;
        hub.publish(`a:${askId}`, '');
        return true;
      }),
    read: (askId) => hub.run(() => open(askId)?.json),
    close: (askId) => hub.run(() => void hub.asks.delete(askId)),
  };
}
