export * from './port';
export * from './room-port';
export { MemoryLiveHub } from './memory/hub';
export { createMemoryLive } from './memory/memory-live';
export { ROOM_LOG_LIMITS } from './limits';
export type { LiveLogger } from './engine/context';
export { createRedisLive } from './redis/redis-live';
export { parseRedisTarget, type RedisTarget } from './redis/config';
