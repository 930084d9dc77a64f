import { parseDomainName } from '@parley/domain';
import { classify, type CallTarget, type Collection } from '@parley/protocol-xroom';
import type { Route } from '../routing/paths';
import { type RestTarget, restTargetOf } from './rest-target';

/**
 * What a call says about its domain.
 * @param authorization the header of this name, which may hold a key that names a region
 */
export function targetOf(
  route: Extract<Route, { kind: 'call' | 'join' | 'rest' }>,
  body: Buffer,
  authorization?: string,
): CallTarget | RestTarget {
  if (route.kind === 'rest') return restTargetOf(route, body, authorization);
  return route.kind === 'call' ? classify(route.collection satisfies Collection, body) : joinTarget(body);
}

/** `POST /join`: the room is named `domain/name`. */
function joinTarget(body: Buffer): CallTarget {
  let request: unknown;
  try {
    request = JSON.parse(body.toString('utf8'));
  } catch {
    return { kind: 'unknown' };
  }
  if (typeof request !== 'object' || request === null || !('room' in request)) return { kind: 'unknown' };
  const room = typeof request.room === 'string' ? request.room : '';
  const slash = room.indexOf('/');
  const domain = parseDomainName(room.slice(0, Math.max(slash, 0)));
  // What cannot be a domain is not asked for: the directory would choke on some of it and seem to be down.
  return domain.ok ? { kind: 'domain', domain: domain.value } : { kind: 'unknown' };
}
