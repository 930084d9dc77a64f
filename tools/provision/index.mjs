export { freePort, isPortFree } from './ports.mjs';
export { startPostgresServer } from './postgres.mjs';
export { findRedisServer, REDIS_WAYS, startRedisServer } from './redis.mjs';
export { startThrowAwayPostgres } from './throw-away-postgres.mjs';
export { startUndertaker } from './undertaker.mjs';
