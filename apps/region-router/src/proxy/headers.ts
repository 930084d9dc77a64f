/** Names and values in turns, as Node hands them over and takes them: order, case and repetitions survive. */
export type RawHeaders = readonly string[];

/** RFC 9110 section 7.6.1: they speak about one connection only. `expect` was answered by us. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** More headers than any client of ours sends; what is behind us stops reading at 2000 and would miss the rest. */
const MAX_HEADERS = 200;

/** Whether a request has more headers than are passed on. */
export function tooManyHeaders(headers: RawHeaders): boolean {
  return headers.length / 2 > MAX_HEADERS;
}

/** Every value of a header, in order. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() === name) values.push(headers[at + 1] ?? '');
  }
  return values;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * All headers but those about this connection, including the ones that `Connection` names, and the `dropped` ones (lower
 * case). Each name is looked at once: every call pays for this.
 */
export function endToEnd(headers: RawHeaders, dropped: ReadonlySet<string> = NONE): string[] {
  const kept: string[] = [];
  let named: Set<string> | undefined;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = '', value = ''] = [headers[at], headers[at + 1]];
    const lower = name.toLowerCase();
    // Mostly it names nothing but `keep-alive`.
    if (lower === 'connection' && value !== 'keep-alive') named = namesIn(value, named);
    if (!HOP_BY_HOP.has(lower) && !dropped.has(lower)) kept.push(name, value);
  }
  return named === undefined ? kept : without(kept, named);
}

/** All headers but the named ones (lower case). */
export function without(headers: RawHeaders, names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (!names.has(name.toLowerCase())) kept.push(name, headers[at + 1] ?? '');
  }
  return kept;
}

function namesIn(list: string, before: ReadonlySet<string> | undefined): Set<string> {
  const names = list.toLowerCase().split(',');
  // Not split at /\s*,\s*/: a header full of spaces would take it half a second.
  return new Set([...(before ?? []), ...names.map((name) => name.trim())]);
}

/** Puts headers in the place of all former values of those names, before all others: nothing a caller sends crowds them out. */
export function replaced(headers: RawHeaders, changes: Readonly<Record<string, string | undefined>>): string[] {
  const ours = Object.entries(changes).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  return [...ours, ...without(headers, new Set(Object.keys(changes)))];
}
