import { parseDomainName, type DomainName } from '@parley/domain';
import { classify, MAX_DEPTH, readJson, type CallTarget } from '@parley/protocol-xroom';
import type { Route } from '../routing/paths';

/** What the payload says about a call's domain, read as the api reads it. */
export function targetOf(route: Extract<Route, { kind: 'call' | 'join' }>, body: Uint8Array): CallTarget {
  return route.kind === 'call' ? classify(route.collection, body) : joinTarget(body);
}

/** `POST /join`: the room is named `domain/name`. Whatever else is wrong, its region says so. */
function joinTarget(body: Uint8Array): CallTarget {
  const room = textIn(body, 'room') ?? '';
  const domain = parseDomainName(room.slice(0, Math.max(room.indexOf('/'), 0)));
  // What cannot be a domain is not asked for: the directory would choke on some of it and seem to be down.
  return domain.ok ? { kind: 'domain', domain: domain.value } : { kind: 'unknown' };
}

/** The `domain` that a call of the REST API names in its body. */
export function domainInBody(body: Uint8Array): DomainName | undefined {
  const domain = parseDomainName(textIn(body, 'domain') ?? '');
  return domain.ok ? domain.value : undefined;
}

function textIn(body: Uint8Array, member: string): string | undefined {
  const json = readJson(body, MAX_DEPTH);
  const request = json.ok ? json.value : undefined;
  if (typeof request !== 'object' || request === null) return undefined;
  const text = (request as Readonly<Record<string, unknown>>)[member];
  return typeof text === 'string' ? text : undefined;
}
