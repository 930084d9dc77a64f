import { regionOfAccountKey } from '@parley/domain';

/** What path, query and bearer key of a call to the REST API say, without anybody being asked. */
export interface RestClues {
  /** The region that issued the id in the path. */
  readonly issuer?: string;
  /** The numeric id in the path. */
  readonly numeric?: { readonly kind: 'webhook' | 'robot'; readonly id: number };
  /** The delivery in the path. */
  readonly delivery?: string;
  /** The region that made the bearer key or ticket. Not checked here: it only says where that can be done. */
  readonly bearer?: string;
  /** The domain in the path or the query. */
  readonly domain?: string;
}

/** `<kind>_<region>_<rest>`: deliveries, events, openings of rooms, bookings, keys of accounts. */
const REGIONAL_ID = /^(?:dlv|evt|rs|bk|ak)_([a-z0-9-]{1,64})_[\w-]{1,128}$/;

const NUMERIC = { webhooks: 'webhook', robots: 'robot' } as const;

/**
 * @param path below `/v1`, decoded, in lower case
 * @param query without the question mark
 */
export function restClues(path: string, query: string, authorization: string | undefined): RestClues {
  const [, , collection = '', subject = ''] = path.split('/');
  const issuer = REGIONAL_ID.exec(subject)?.[1];
  const delivery = collection === 'deliveries' && subject.startsWith('dlv_') ? subject : undefined;
  const numeric = numericOf(collection, subject);
  const bearer = regionOfBearer(authorization);
  const domain = collection === 'domains' && subject !== '' ? subject : new URLSearchParams(query).get('domain');
  return {
    ...(issuer === undefined ? {} : { issuer }),
    ...(delivery === undefined ? {} : { delivery }),
    ...(numeric === undefined ? {} : { numeric }),
    ...(bearer === undefined ? {} : { bearer }),
    ...(domain === null ? {} : { domain }),
  };
}

function numericOf(collection: string, subject: string): RestClues['numeric'] {
  const id = Number(subject);
  if (!/^\d{1,16}$/.test(subject) || !Number.isSafeInteger(id)) return undefined;
  return collection === 'webhooks' || collection === 'robots' ? { kind: NUMERIC[collection], id } : undefined;
}

/** The region that issued a bearer key (`pk_<region>_…`) or ticket (a JWT whose claims name it). */
export function regionOfBearer(authorization: string | undefined): string | undefined {
  const token = /^Bearer +([\x21-\x7e]{1,4096})$/i.exec(authorization ?? '')?.[1];
  return token === undefined ? undefined : (regionOfAccountKey(token) ?? regionOfTicket(token));
}

function regionOfTicket(token: string): string | undefined {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const named = typeof claims === 'object' && claims !== null && 'region' in claims ? claims.region : undefined;
    return typeof named === 'string' ? named : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a caller asks to be sent to the home region instead of having the call passed on (RFC 7240). */
export function prefersRedirect(prefer: string | undefined): boolean {
  return (prefer ?? '').split(',').some((each) => each.split(';', 1)[0]?.trim().toLowerCase() === 'region-redirect');
}
