/**
 * Finds the text of one value inside JSON text, so that a payload can be handed on exactly as its sender wrote it (no
 * rounded numbers, no reordered keys) and without being built up and written out again.
 */

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const COMMA = 44;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

/**
 * The text of the member at `path`, e.g. `['message', 'data']`; undefined when there is none. Of repeated keys the last
 * counts, as for `JSON.parse`.
 * @param text must be valid JSON (checked by the caller with `JSON.parse`)
 */
export function rawMember(text: string, path: readonly string[]): string | undefined {
  const span = spanOf(text, path);
  return span && text.slice(...span);
}

/**
 * The text with other strings at some places and every other byte as it was. Places that do not exist are left out; none
 * may lie inside another one.
 */
export function withStringsAt(
  text: string,
  edits: readonly { readonly path: readonly string[]; readonly value: string }[],
): string {
  const found = edits.flatMap(({ path, value }) => {
    const span = spanOf(text, path);
    return span ? [{ span, value }] : [];
  });
  // From the end, so that the places before stay where they are.
  found.sort((left, right) => right.span[0] - left.span[0]);
  let result = text;
  for (const { span, value } of found) {
    result = `${result.slice(0, span[0])}${JSON.stringify(value)}${result.slice(span[1])}`;
  }
  return result;
}

function spanOf(text: string, path: readonly string[]): [number, number] | undefined {
  let start = skipSpace(text, 0);
  let end = text.length;
  for (const key of path) {
    const span = memberSpan(text, start, key);
    if (span === undefined) return undefined;
    [start, end] = span;
  }
  return [start, end];
}

function memberSpan(text: string, start: number, key: string): [number, number] | undefined {
  if (text.charCodeAt(start) !== OPEN_BRACE) return undefined;
  let found: [number, number] | undefined;
  let at = skipSpace(text, start + 1);
  while (at < text.length && text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at);
    const matches = sameKey(text, at, keyEnd, key);
    at = skipSpace(text, keyEnd);
    if (text.charCodeAt(at) !== COLON) return undefined;
    const valueStart = skipSpace(text, at + 1);
    const valueEnd = endOfValue(text, valueStart);
    if (matches) found = [valueStart, valueEnd];
    at = skipSpace(text, valueEnd);
    if (text.charCodeAt(at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return found;
}

function sameKey(text: string, start: number, end: number, key: string): boolean {
  const written = text.slice(start + 1, end - 1);
  if (written === key) return true;
  return written.includes('\\') && JSON.parse(text.slice(start, end)) === key;
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && text.charCodeAt(next) <= 32) next += 1;
  return next;
}

/** The position after a string that starts at `at`. Searched natively: payloads are mostly long strings. */
function endOfString(text: string, at: number): number {
  let quote = text.indexOf('"', at + 1);
  while (quote >= 0 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote < 0 ? text.length : quote + 1;
}

/** An odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

/** The position after the value that starts at `at`. */
function endOfValue(text: string, at: number): number {
  let depth = 0;
  let next = at;
  while (next < text.length) {
    const code = text.charCodeAt(next);
    if (code === QUOTE) {
      next = endOfString(text, next);
      if (depth === 0) return next;
      continue;
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 0) return trimEnd(text, at, next);
      depth -= 1;
      if (depth === 0) return next + 1;
    } else if (code === COMMA && depth === 0) return trimEnd(text, at, next);
    next += 1;
  }
  return trimEnd(text, at, next);
}

function trimEnd(text: string, start: number, end: number): number {
  let last = end;
  while (last > start && text.charCodeAt(last - 1) <= 32) last -= 1;
  return last;
}
