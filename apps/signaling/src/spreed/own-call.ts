import type { JsonObject } from '@parley/domain';
import type { SessionRecord } from '@parley/live';

/** An internal client's own flags in the call, in the form the live layer keeps: they outlast the room it is in. */
export function withInCall({ attributes }: SessionRecord, inCall: number): JsonObject {
  return { ...attributes, inCall };
}

/** Reads what {@link withInCall} wrote; undefined: it never said. */
export function inCallOf({ attributes }: SessionRecord): number | undefined {
  return typeof attributes.inCall === 'number' ? attributes.inCall : undefined;
}
