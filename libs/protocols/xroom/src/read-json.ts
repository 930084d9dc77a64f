import { fail, ok, type Result } from '@parley/domain';
import { nestsDeeperThan } from './json-depth';

/** Why bytes are no JSON that we take. */
export type JsonFailure =
  | 'too_deep'
  /** Not complete JSON in UTF-8. */
  | 'unreadable'
  /** An object names a member twice. */
  | 'duplicate_key';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads JSON in UTF-8; never throws. An object that names a member twice is refused: readers disagree about which one
 * counts, and whoever forwards a call must see the same domain in it as whoever serves it. Router and api both read with
 * this and nothing else.
 */
export function readJson(bytes: Uint8Array, maxDepth: number): Result<unknown, JsonFailure> {
  if (nestsDeeperThan(bytes, maxDepth)) return fail('too_deep');
  try {
    const text = UTF8.decode(bytes);
    const value = JSON.parse(text) as unknown;
    return namesTwice(text) ? fail('duplicate_key') : ok(value);
  } catch {
    return fail('unreadable');
  }
}

/** Whether some object of a valid JSON text names a member twice, however the name is escaped. */
function namesTwice(text: string): boolean {
  /** The names of every open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (mark === '{') open.push(new Set());
    else if (mark === '[') open.push(null);
    else if (mark === '}' || mark === ']') open.pop();
    else if (mark === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (names && isName(text, end)) {
        const name = JSON.parse(text.slice(at, end)) as string;
        if (names.has(name)) return true;
        names.add(name);
      }
      at = end - 1;
    }
  }
  return false;
}

/** The place behind a string's closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Inside an object, what a colon follows is a name; a value is followed by a comma or the end. */
function isName(text: string, end: number): boolean {
  for (let at = end; at < text.length; at += 1) {
    const mark = text[at];
    if (mark !== ' ' && mark !== '\n' && mark !== '\r' && mark !== '\t') return mark === ':';
  }
  return false;
}
