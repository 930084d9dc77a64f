export * from './port';
export { MemoryLiveHub } from './memory/hub';
export { createMemoryLive } from './memory/memory-live';
export { ROOM_LOG_LIMITS } from './limits';
export type { LiveLogger } from './engine/context';
