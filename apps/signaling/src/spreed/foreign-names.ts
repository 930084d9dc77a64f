import { brandAs, type SessionId } from '@parley/domain';
import type { LiveSessions, SessionRecord } from '@parley/live';

/** What our public ids look like. Nextcloud's are longer, so usually nobody has to be asked. */
const PUBLIC_ID = /^[A-Za-z0-9_-]{24}$/;

/**
 * Whether a client names as its own session at the backend what is the public id of somebody else here. Virtual sessions
 * are known to their backends by theirs, and everybody in their room reads it: who could come in under it would take
 * their place.
 */
export async function isSomebodyElse(
  sessions: Pick<LiveSessions, 'find'>,
  { id, tenant }: Pick<SessionRecord, 'id' | 'tenant'>,
  foreignSessionId: string,
): Promise<boolean> {
  if (foreignSessionId === id || !PUBLIC_ID.test(foreignSessionId)) return false;
  const info = await sessions.find(brandAs<SessionId>(foreignSessionId));
  return info?.tenant === tenant;
}
