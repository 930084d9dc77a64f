const TALK_API = 'ocs/v2.php/apps/spreed/';
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * The base URL of a backend as clients give it: without the Talk API's path, default port, query and fragment, with a
 * slash at the end. Undefined when it is no absolute http(s) URL.
 */
export function normalizeBackendUrl(given: string): string | undefined {
  const url = parseHttpUrl(given);
  if (url === undefined) return undefined;
  const cut = url.pathname.indexOf(TALK_API);
  const path = cut >= 0 ? url.pathname.slice(0, cut) : url.pathname;
  return `${url.protocol}//${url.host}${path.endsWith('/') ? path : `${path}/`}`;
}

/**
 * Where the backend is asked. Clients give either the base URL or the complete one of the signaling controller; the
 * complete one is used as it is (observed on the usual server: only the API version is chosen there).
 */
export function backendRequestUrl(given: string): string | undefined {
  const url = parseHttpUrl(given);
  if (url === undefined) return undefined;
  if (url.pathname.includes(TALK_API)) return `${url.protocol}//${url.host}${url.pathname}`;
  const base = normalizeBackendUrl(given);
  return base === undefined ? undefined : `${base}${TALK_API}api/v3/signaling/backend`;
}

function parseHttpUrl(given: string): URL | undefined {
  if (given.length > 2_048 || !URL.canParse(given)) return undefined;
  const url = new URL(given);
  if (!(url.protocol in DEFAULT_PORTS) || url.username !== '' || url.password !== '') return undefined;
  return url;
}
