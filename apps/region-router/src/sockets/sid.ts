/**
 * The replica that an Engine.IO session lives on: ids are `<replica>.<random>`, so a front door needs no memory.
 * Undefined: no `sid` in the query; null: one that none of our replicas issued.
 */
export function replicaOfSid(target: string): string | null | undefined {
  const query = target.indexOf('?');
  if (query === -1) return undefined;
  const sid = new URLSearchParams(target.slice(query + 1)).get('sid');
  if (sid === null || sid === '') return undefined;
  const dot = sid.lastIndexOf('.');
  return dot < 1 ? null : sid.slice(0, dot);
}
