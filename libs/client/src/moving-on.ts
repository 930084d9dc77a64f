import { isObject, ParleyError, textOf, type Json } from './parley-error';

/** Troubles that pass; after anything else trying again is useless. */
const PASSING = new Set([
  'unreachable',
  'internal_error',
  'rate_limited',
  'unavailable',
  'home_region_down',
  'domain_moving',
]);

/** Besides, when the room goes on in another region: until its domain is there, and somebody who may has opened it. */
const PASSING_WITH_THE_MOVE = new Set([
  'wrong_region',
  'room_closing',
  'room_not_found',
  'room_reserved',
  'room_booked',
  'no_such_room',
]);

type Trouble = Pick<ParleyError, 'code' | 'facts'>;

/** Whether it is worth while to try again. @param following the room is on its way to another region */
export function passes({ code, facts: { status = 0 } }: Trouble, following: boolean): boolean {
  // A server or a proxy that has too much to do may say so in words of its own.
  if (status === 408 || status === 429 || status >= 500) return true;
  return PASSING.has(code) || (following && PASSING_WITH_THE_MOVE.has(code));
}

/** What went wrong; `failed` for a bug or a platform that fails, which does not pass. */
export function troubleOf(error: unknown): Trouble {
  return error instanceof ParleyError ? error : { code: 'failed', facts: {} };
}

/**
 * Whether an event says that the room goes on in another region: `switchto` with a region. Without one the owner of the
 * room's data leads to another room, which is for apps.
 */
export function leadsToRegion({ target, type, switchto }: Json): boolean {
  if (target !== 'room' || type !== 'switchto' || !isObject(switchto)) return false;
  return isObject(switchto.details) && textOf(switchto.details.region) !== undefined;
}
