import { isCollection, type Collection } from '@parley/protocol-xroom';

/** Which kind of thing a request asks for. */
export type Route =
  | { readonly kind: 'call'; readonly collection: Collection }
  | { readonly kind: 'join' }
  /** The REST API of accounts; `path` is decoded and in lower case. */
  | { readonly kind: 'rest'; readonly path: string; readonly query: string }
  | { readonly kind: 'signaling' }
  | { readonly kind: 'api' }
  /** What another region's services write to the api of this one. */
  | { readonly kind: 'letter' }
  /** Never passed on: the operator's side of the services. */
  | { readonly kind: 'closed' };

/** First path segments, or pairs of them, that only operators and sister services may ask, on ports of their own. */
const CLOSED = ['/v1/admin', '/internal', '/metrics', '/health'];

/** Where regions write to each other. */
const LETTERS = ['/internal/moves', '/internal/accounts', '/internal/owners'];

/** Where signaling is at home; everything else over HTTP is the api's. */
const SIGNALING = ['/spreed', '/socket.io', '/standalone-signaling', '/api/v1'];

/** Paths below it name a domain. */
const DOMAINS = '/v1/domains';

/** Sorts a request by method and target. */
export function routeOf(method: string, target: string): Route {
  const plain = normalised(target);
  if (plain === undefined) return { kind: 'closed' };
  // As written, and nothing else: only our own services write there.
  if (method === 'POST' && LETTERS.some((prefix) => target.startsWith(`${prefix}/`) && below(plain, prefix))) {
    return { kind: 'letter' };
  }
  if (CLOSED.some((prefix) => below(plain, prefix))) return { kind: 'closed' };
  if (SIGNALING.some((prefix) => below(plain, prefix))) return { kind: 'signaling' };
  if (below(plain, '/v1')) return { kind: 'rest', path: plain, query: queryOf(target) };
  if (method !== 'POST') return { kind: 'api' };
  const collection = /^\/api\/([^/]+)\/?$/.exec(plain)?.[1];
  if (collection !== undefined && isCollection(collection)) return { kind: 'call', collection };
  return plain === '/join' || plain === '/join/' ? { kind: 'join' } : { kind: 'api' };
}

/**
 * Whether a request's path can be decoded at all. Nobody sends a fragment, and servers differ in what they take for one:
 * behind it could stand a domain that only the api sees.
 */
export function isReadablePath(target: string): boolean {
  if (target.includes('#')) return false;
  return !target.startsWith('/') || normalised(target) !== undefined;
}

/** Whether a request speaks the xroom API, whose every answer is its envelope. */
export function isXroomPath(target: string): boolean {
  const plain = normalised(target) ?? '';
  return below(plain, '/api') && !below(plain, '/api/v1');
}

/**
 * A request's path as a log may have it: without the name of a domain, which may be strictly resident elsewhere. Undefined
 * when it cannot be read.
 */
export function pathForLog(target: string): string | undefined {
  const plain = normalised(target);
  if (plain === undefined) return undefined;
  return below(plain, DOMAINS) ? DOMAINS : target.split('?', 1)[0];
}

/** Reads the same for everybody: nothing to decode or resolve. */
const PLAIN = /^(?:\/[a-z0-9_-]+)+$/;

/**
 * A path as the most lenient server behind us might read it: decoded, lower case, slashes and dot segments resolved.
 * Otherwise `/v1/%61dmin` would slip past. Undefined when it cannot be decoded, or is no path but a whole URL: servers
 * look behind its host, and nobody but a proxy is sent one.
 */
function normalised(target: string): string | undefined {
  if (!target.startsWith('/')) return undefined;
  // Clients send no fragment, but servers cut one off as they do a query.
  const path = target.split(/[?#]/, 1)[0] ?? '';
  if (PLAIN.test(path)) return path;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  const kept: string[] = [];
  for (const segment of decoded.toLowerCase().replaceAll('\\', '/').split(';', 1).join('').split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

function queryOf(target: string): string {
  const [beforeFragment = ''] = target.split('#', 1);
  const mark = beforeFragment.indexOf('?');
  return mark < 0 ? '' : beforeFragment.slice(mark + 1);
}

function below(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
