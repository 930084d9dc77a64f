import type { Member, Presence } from '@parley/domain';
import type { StoreTimes } from './limits';

/** What is told of a member outside. */
export function presenceOf({ sessionId, order, role, userId, displayName }: Member): Presence {
  return { sessionId, order, role, userId, ...(displayName === undefined ? {} : { displayName }) };
}

/** How long members may still be given back to a room whose generation is `ageMs` old. */
export function settlesInMs({ generationGraceMs }: StoreTimes, ageMs: number): number {
  return Math.max(0, generationGraceMs - ageMs);
}
