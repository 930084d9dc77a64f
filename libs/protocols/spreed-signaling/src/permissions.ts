/** What the server itself looks at in permission lists of backends (section "Permissions" of newer servers). */
export type Permission = 'control' | 'transient-data' | 'hide-displaynames';

/**
 * Whether a session holds a permission.
 * @param permissions undefined until its backend has sent a list for it: then everything is allowed, and names are shown
 *   (brief 3.5). From the first list on, also an empty one, only what is listed is held.
 */
export function holds(permissions: readonly string[] | undefined, permission: Permission): boolean {
  if (permissions === undefined) return permission !== 'hide-displaynames';
  return permissions.includes(permission);
}

/** Transient data under this prefix belongs to the session named behind it (feature `transient-sessiondata`). */
export const SESSION_DATA_PREFIX = 'sd:';

/** Whether a key of transient data is another session's own. */
export function belongsToOther(key: string, sessionId: string): boolean {
  return key.startsWith(SESSION_DATA_PREFIX) && key !== SESSION_DATA_PREFIX + sessionId;
}
