import type { DepartureStore } from '../departure-store';
import type { StoreTimes } from '../limits';
import type { MemoryLiveHub } from './hub';

/** Notes of departures in memory; what the scripts in redis/ do, in the same order. */
export function memoryDepartures(hub: MemoryLiveHub, { departureMs }: StoreTimes): DepartureStore {
  const { departures } = hub;
  const take = (key: string) => {
    const note = departures.get(key);
    if (!note) return undefined;
    const token = note.token.endsWith('*') ? note.token : `${note.token}*`;
    departures.set(key, { ...note, token, at: hub.now() + departureMs });
    return { key, token, json: note.json };
  };
  return {
    note: ({ key, token, json }, inMs) =>
      hub.run(() => {
        const known = departures.get(key)?.token;
        if (known !== token && known !== `${token}*`) departures.set(key, { token, json, at: hub.now() + inMs });
      }),
    hasten: (key, token) =>
      hub.run(() => {
        const note = departures.get(key);
        if (note?.token === token) note.at = hub.now();
      }),
    take: (key, token) => hub.run(() => (departures.get(key)?.token === token ? take(key)?.token : undefined)),
    claim: (limit) =>
      hub.run(() => {
        const due = [...departures].filter(([, { at }]) => at <= hub.now()).slice(0, limit);
        return due.flatMap(([key]) => take(key) ?? []);
      }),
    settle: (key, token) =>
      hub.run(() => {
        if (departures.get(key)?.token === token) departures.delete(key);
      }),
  };
}
