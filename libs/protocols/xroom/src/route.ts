import { parseDomainName, type DomainName, type WebhookId } from '@parley/domain';
import { decodeCall, decodeRequest } from './codec';
import { toDomain } from './to-domain';
import { COLLECTIONS, type Collection, type Envelope } from './wire.schema';

/** What decides a call's home region. */
export type CallTarget =
  | { readonly kind: 'domain'; readonly domain: DomainName }
  /** Its id carries the issuing region. */
  | { readonly kind: 'webhook'; readonly id: WebhookId }
  /** The account as a whole: ask every region where it has domains, then {@link mergeLists}. */
  | { readonly kind: 'account' }
  /** Not readable; any region answers the error. */
  | { readonly kind: 'unknown' };

/** Whether a path segment after `/api/` names a collection. */
export function isCollection(text: string): text is Collection {
  return COLLECTIONS.some((collection) => collection === text);
}

/** Finds what decides the home region, with the same reader as the API itself, so both see the same domain. */
export function classify(collection: Collection, body: Uint8Array): CallTarget {
  const request = decodeRequest(collection, body);
  const command = request.ok ? toDomain(request.value) : request;
  if (!command.ok) return refusedTarget(body);
  if ('id' in command.value) return { kind: 'webhook', id: command.value.id };
  if ('room' in command.value) return { kind: 'domain', domain: command.value.room.domain };
  return command.value.domain === undefined ? { kind: 'account' } : { kind: 'domain', domain: command.value.domain };
}

/** A call that will be refused belongs to the domain that it names, too: it may be strictly resident. */
function refusedTarget(body: Uint8Array): CallTarget {
  const call = decodeCall(body);
  const { domain, id } = call.ok ? call.value.data : {};
  for (const text of [domain, typeof id === 'string' && id.includes('/') ? id.split('/', 1)[0] : undefined]) {
    const name = typeof text === 'string' ? parseDomainName(text) : undefined;
    if (name?.ok) return { kind: 'domain', domain: name.value };
  }
  return { kind: 'unknown' };
}

/** One answer from those of several regions. An error of one is the answer: a list that silently lacks a region would lie. */
export function mergeLists(envelopes: readonly Envelope[]): Envelope {
  const merged: Record<string, unknown> = {};
  for (const envelope of envelopes) {
    if (envelope.isError) return envelope;
    if (typeof envelope.data === 'object' && envelope.data !== null) Object.assign(merged, envelope.data);
  }
  return { isError: false, errMsg: null, data: merged };
}
