export { freePort } from '@parley/tools/provision';
export { eventually } from './eventually';
export { startPostgres, type TestPostgres } from './postgres';
export { startRedis, startRedisCluster, type TestRedis, type TestRedisCluster } from './redis';
