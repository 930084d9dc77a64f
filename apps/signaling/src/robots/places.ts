import type { SessionId } from '@parley/domain';

/** How much a session can take. */
export interface FreeSession {
  readonly session: SessionId;
  readonly places: number;
}

/**
 * A session for each delivery that can be taken: those with the most room come first and all of them take turns, so that
 * few deliveries are shared as evenly as many.
 */
export function placesFor(sessions: readonly FreeSession[]): readonly SessionId[] {
  const most = Math.max(0, ...sessions.map(({ places }) => places));
  return Array.from({ length: most }, (_unused, round) => most - round).flatMap((atLeast) =>
    sessions.filter(({ places }) => places >= atLeast).map(({ session }) => session),
  );
}
