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

/** All headers but the named ones (lower case). */
export function without(headers: RawHeaders, names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (!names.has(name.toLowerCase())) kept.push(name, headers[at + 1] ?? '');
  }
  return kept;
}

/** All headers but those about this connection, including the ones that `Connection` names. */
export function endToEnd(headers: RawHeaders): string[] {
  const named = valuesOf(headers, 'connection').flatMap((value) => value.toLowerCase().split(/\s*,\s*/));
  // Mostly it names nothing but `keep-alive`.
  const all = named.every((name) => HOP_BY_HOP.has(name));
  return without(headers, all ? HOP_BY_HOP : new Set([...HOP_BY_HOP, ...named]));
}

/** Puts headers in the place of all former values of those names, before all others: nothing a caller sends crowds them out. */
export function replaced(headers: RawHeaders, changes: Readonly<Record<string, string | undefined>>): string[] {
  const ours = Object.entries(changes).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  return [...ours, ...without(headers, new Set(Object.keys(changes)))];
}
