const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/**
 * Whether JSON text nests deeper than `limit` objects and arrays. `JSON.parse` takes any depth, but what recurses over
 * the value afterwards (`JSON.stringify`, Socket.IO's encoder) runs out of stack at a few thousand. Says nothing about
 * the text being valid.
 */
export function nestsDeeperThan(text: string, limit: number): boolean {
  if (openings(text, limit) <= limit) return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      depth += 1;
      if (depth > limit) return true;
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth -= 1;
  }
  return false;
}

/** How many objects and arrays may begin in the text, counted up to `enough`: native searches are quicker than a scan. */
function openings(text: string, enough: number): number {
  let found = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0 && found <= enough; at = text.indexOf(bracket, at + 1)) found += 1;
  }
  return found;
}
