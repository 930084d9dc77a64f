import type { DepartureNote, DepartureStore } from '../departure-store';
import type { StoreTimes } from '../limits';
import type { RedisConnection } from './connection';
import type { Keys } from './keys';
import { text, texts } from './replies';

/** Notes of departures on Redis. */
export function redisDepartures(redis: RedisConnection, keys: Keys, times: StoreTimes): DepartureStore {
  return {
    async note({ key, token, json }, inMs) {
      await redis.run('departure.note', keys.departures, [key, token, json, inMs, times.abandonedMs]);
    },
    async hasten(key, token) {
      await redis.run('departure.hasten', keys.departures, [key, token]);
    },
    take: async (key, token) =>
      text((await redis.run('departure.take', keys.departures, [key, token, times.departureMs])) ?? '') || undefined,
    async claim(limit) {
      const flat = texts(await redis.run('departure.claim', keys.departures, [limit, times.departureMs]));
      const notes: DepartureNote[] = [];
      for (let i = 0; i + 2 < flat.length; i += 3) {
        const [key = '', token = '', json = ''] = flat.slice(i, i + 3);
        notes.push({ key, token, json });
      }
      return notes;
    },
    async settle(key, token) {
      await redis.run('departure.settle', keys.departures, [key, token]);
    },
  };
}
