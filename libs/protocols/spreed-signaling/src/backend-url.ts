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

/** The signaling controller's own URL, with what stands before it and the version of its API. */
const CONTROLLER = /^(.*ocs\/v2\.php\/apps\/spreed\/api\/)v(\d{1,2})(\/signaling\/backend)$/;

/** The capability of backends whose signaling controller speaks version 3 of its API. */
export const SIGNALING_V3 = 'signaling-v3';

/**
 * Where the backend is asked. Clients give either the base URL or the complete one of the signaling controller; of the
 * complete one only the API's version 1 is raised (observed on the usual server).
 * @param features what the backend says it can do; nothing while it is not known
 */
export function backendRequestUrl(given: string, features: readonly string[] = []): string | undefined {
  const url = parseHttpUrl(given);
  const base = normalizeBackendUrl(given);
  if (url === undefined || base === undefined) return undefined;
  const newest = features.includes(SIGNALING_V3) ? '3' : '1';
  const [, before, version, rest] = CONTROLLER.exec(url.pathname) ?? [];
  if (before === undefined || rest === undefined) return `${base}${TALK_API}api/v${newest}/signaling/backend`;
  return `${url.protocol}//${url.host}${before}v${version === '1' ? newest : version}${rest}`;
}

/** Web servers decode it, so `/one/..%2ftwo/` would be asked of whoever is at `/two/` with what belongs to `/one/`. */
const ESCAPED_SLASH = /%(?:2f|5c)/i;

function parseHttpUrl(given: string): URL | undefined {
  if (given.length > 2_048 || !URL.canParse(given)) return undefined;
  const url = new URL(given);
  if (!(url.protocol in DEFAULT_PORTS) || url.username !== '' || url.password !== '') return undefined;
  return ESCAPED_SLASH.test(url.pathname) ? undefined : url;
}
