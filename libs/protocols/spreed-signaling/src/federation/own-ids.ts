import { isObject } from './chat';

/** Members of a payload in which clients name a session: whom it is for or from, and whom an order is about. */
const KEYS = ['to', 'from', 'peerId'] as const;

export interface Edit {
  readonly path: readonly string[];
  readonly value: string;
}

/** Where a payload names a session that is called differently on the other side; `forceMute.peerId` among others. */
export function sessionsInPayload(data: unknown, path: readonly string[], rename: (id: string) => string): Edit[] {
  if (!isObject(data)) return [];
  const own = KEYS.flatMap((key) => editOf(data[key], [...path, key], rename));
  const { payload } = data;
  if (!isObject(payload)) return own;
  return [...own, ...KEYS.flatMap((key) => editOf(payload[key], [...path, 'payload', key], rename))];
}

/** The edit that renames one string; none when it keeps its name. */
export function editOf(value: unknown, path: readonly string[], rename: (id: string) => string): Edit[] {
  if (typeof value !== 'string') return [];
  const renamed = rename(value);
  return renamed === value ? [] : [{ path, value: renamed }];
}
