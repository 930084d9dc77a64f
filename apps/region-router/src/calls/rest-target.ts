import { brandAs, parseDomainName, regionOfAccountKey, type RegionId, type RobotId } from '@parley/domain';
import type { CallTarget } from '@parley/protocol-xroom';
import type { Route } from '../routing/paths';

/** What decides the home region of a call of the REST API of accounts. */
export type RestTarget =
  | Extract<CallTarget, { kind: 'domain' | 'webhook' }>
  | { readonly kind: 'robot'; readonly id: RobotId }
  /** An id or a key that names the region that issued it. */
  | { readonly kind: 'issued'; readonly region: RegionId }
  /** The account as it is known in one region: this one, if it has domains here. */
  | { readonly kind: 'one-region' };

/** Ids of deliveries and of bearer keys: `dlv_<region>_...`, `ak_<region>_...`. */
const ISSUED = /^(?:dlv|ak)_([a-z][a-z0-9-]{0,30})_/;

/** By the id or domain in the path, then by the domain in the query or the body, then by the bearer key. */
export function restTargetOf(
  { path, query }: Extract<Route, { kind: 'rest' }>,
  body: Buffer,
  authorization: string | undefined,
): RestTarget {
  const [, , collection = '', name = ''] = path.split('/');
  return (
    byName(collection, name) ??
    byDomain(new URLSearchParams(query).get('domain')) ??
    byDomain(domainIn(body)) ??
    byKey(authorization) ?? { kind: 'one-region' }
  );
}

function byName(collection: string, name: string): RestTarget | undefined {
  if (collection === 'domains') return byDomain(name);
  const id = /^\d{1,16}$/.test(name) ? Number(name) : undefined;
  if (id !== undefined && Number.isSafeInteger(id)) {
    if (collection === 'webhooks') return { kind: 'webhook', id: brandAs(id) };
    if (collection === 'robots') return { kind: 'robot', id: brandAs(id) };
  }
  return issuedBy(ISSUED.exec(name)?.[1]);
}

function byDomain(text: string | null | undefined): RestTarget | undefined {
  const domain = parseDomainName(text ?? '');
  return domain.ok ? { kind: 'domain', domain: domain.value } : undefined;
}

function byKey(authorization: string | undefined): RestTarget | undefined {
  const key = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  return issuedBy(key === undefined ? undefined : regionOfAccountKey(key));
}

function issuedBy(region: string | undefined): RestTarget | undefined {
  return region === undefined ? undefined : { kind: 'issued', region: brandAs<RegionId>(region) };
}

function domainIn(body: Buffer): string | undefined {
  if (body.length === 0) return undefined;
  try {
    const request: unknown = JSON.parse(body.toString('utf8'));
    if (typeof request !== 'object' || request === null || !('domain' in request)) return undefined;
    return typeof request.domain === 'string' ? request.domain : undefined;
  } catch {
    return undefined;
  }
}
