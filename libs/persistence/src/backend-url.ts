/** How deep a backend's URL may be to be looked up, in path segments. */
const MAX_SEGMENTS = 32;

/** A backend's base URL as it is kept: no default port, query or fragment, a slash at the end. Undefined: it is none. */
export function backendBaseUrl(text: string): string | undefined {
  const url = parse(text);
  if (url === undefined || segmentsOf(url).length > MAX_SEGMENTS) return undefined;
  return `${url.protocol}//${url.host}${url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`}`;
}

/** The URL and everything above it, longest first, each with a slash at the end. */
export function urlPrefixes(text: string): string[] {
  const url = parse(text);
  if (url === undefined) return [];
  const segments = segmentsOf(url);
  if (segments.length > MAX_SEGMENTS) return [];
  const base = `${url.protocol}//${url.host}/`;
  return segments
    .map((_, index) => `${base}${segments.slice(0, index + 1).join('/')}/`)
    .reverse()
    .concat(base);
}

function parse(text: string): URL | undefined {
  if (text.includes('\0') || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  return isHttp && url.username === '' && url.password === '' ? url : undefined;
}

function segmentsOf(url: URL): string[] {
  return url.pathname.split('/').filter((segment) => segment !== '');
}
