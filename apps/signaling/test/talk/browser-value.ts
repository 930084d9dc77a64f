/**
 * Reads a member as the browser does: what is not there has no members, and asking for one is an error.
 * @throws TypeError
 */
export function memberOf(value: unknown, ...path: readonly string[]): unknown {
  let present = value;
  for (const key of path) {
    if (present === undefined || present === null) throw new TypeError(`read "${key}" of ${String(present)}`);
    present = (Object(present) as Record<string, unknown>)[key];
  }
  return present;
}

/** What a loop over a value runs through. @throws TypeError for what is no list */
export function itemsOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${JSON.stringify(value)} is not iterable`);
  return value;
}

/** A member that the page uses as a text. @throws TypeError */
export function textOf(value: unknown, ...path: readonly string[]): string {
  const text = memberOf(value, ...path);
  if (typeof text !== 'string') throw new TypeError(`${path.join('.')} is ${JSON.stringify(text)}, no text`);
  return text;
}
