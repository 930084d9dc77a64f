import type { JsonValue } from '@parley/domain';

/** In a call at all; the other bits (audio 2, video 4, phone 8) say with what. */
const IN_CALL = 1;

/**
 * What a backend's `inCall` says: a boolean or a number, whose fraction does not count. Undefined for anything else, which
 * is ignored (brief 3.7).
 */
export function callFlagsOf(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'boolean') return value ? IN_CALL : 0;
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  const flags = Math.trunc(value);
  return Number.isSafeInteger(flags) ? flags : undefined;
}

/** Whether these flags mean being in the call. */
export function isInCall(flags: number | undefined): boolean {
  return flags !== undefined && (flags & IN_CALL) !== 0;
}
