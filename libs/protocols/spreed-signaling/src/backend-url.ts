const TALK_API = 'ocs/v2.php/apps/spreed/';
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * The base URL of a backend as its own requests name it: without the Talk API's path, default port, query and fragment,
 * with a slash at the end. Undefined when it is no absolute http(s) URL.
 */
export function normalizeBackendUrl(given: string): string | undefined {
  const url = parseHttpUrl(given);
  if (url === undefined) return undefined;
  const cut = url.pathname.indexOf(`/${TALK_API}`);
  const path = cut >= 0 ? url.pathname.slice(0, cut) : url.pathname;
  return `${url.protocol}//${url.host}${path.endsWith('/') ? path : `${path}/`}`;
}

/** The capability of backends whose signaling controller speaks version 3 of its API. */
export const SIGNALING_V3 = 'signaling-v3';

/** Where a backend may be asked. */
export interface BackendAddress {
  /** Base URL of its Nextcloud, with a slash at the end. */
  readonly base: string;
  /** Version of the signaling API that the client named. */
  readonly version: '1' | '2' | '3';
}

/** The complete URL of the signaling controller, cut behind the base URL's slash. */
const CONTROLLER = /^(.*?\/)ocs\/v2\.php\/apps\/spreed\/api\/v([123])\/signaling\/backend$/;

/**
 * What may stand between a configured URL and the controller: folders, and Nextcloud's own `index.php`. No other script,
 * since `public.php/dav/...` and the like serve what anybody may have uploaded (decision 15).
 */
const FOLDERS = /^(?:(?![^/]*\.[pP][hH][pP]\/)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\/)*(?:index\.php\/)?$/;

/**
 * Which address of a backend a client means. Only what the operator configured, or the signaling controller there or in
 * a folder below it: whoever answers there says who comes in.
 * @param configured base URLs as they are kept, each with a slash at the end
 */
export function backendAddress(given: string, configured: readonly string[]): BackendAddress | undefined {
  const url = parseHttpUrl(given);
  if (url === undefined) return undefined;
  const origin = `${url.protocol}//${url.host}`;
  const bare = `${origin}${url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`}`;
  if (configured.includes(bare)) return { base: bare, version: '1' };
  const [, folder, version] = CONTROLLER.exec(url.pathname) ?? [];
  const base = `${origin}${folder}`;
  const isThere = configured.some((root) => base.startsWith(root) && FOLDERS.test(base.slice(root.length)));
  // The expression knows no other versions.
  return folder !== undefined && isThere ? { base, version: version as BackendAddress['version'] } : undefined;
}

/**
 * The URL of its signaling controller. Only version 1 of the API is raised (observed on the usual server).
 * @param features what the backend says it can do; nothing while it is not known
 */
export function backendRequestUrl({ base, version }: BackendAddress, features: readonly string[] = []): string {
  const raised = version === '1' && features.includes(SIGNALING_V3) ? '3' : version;
  return `${base}${TALK_API}api/v${raised}/signaling/backend`;
}

/** Web servers decode it, so `/one/..%2ftwo/` would be asked of whoever is at `/two/` with what belongs to `/one/`. */
const ESCAPED_SLASH = /%(?:2f|5c)/i;

function parseHttpUrl(given: string): URL | undefined {
  if (given.length > 2_048 || !URL.canParse(given)) return undefined;
  const url = new URL(given);
  if (!(url.protocol in DEFAULT_PORTS) || url.username !== '' || url.password !== '') return undefined;
  return ESCAPED_SLASH.test(url.pathname) ? undefined : url;
}
