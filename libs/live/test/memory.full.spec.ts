import { MemoryLiveHub } from '../src/index';
import { memoryStore } from '../src/memory/memory-live';
import { conformance } from './conformance/suite';

conformance(
  'memory',
  async () => {
    const hub = new MemoryLiveHub();
    return {
      connect: (times) => memoryStore(hub, times),
      flush: async () => hub.flush(),
      close: async () => undefined,
    };
  },
  60,
);
