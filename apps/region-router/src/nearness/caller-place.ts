import type { IncomingMessage } from 'node:http';
import type { ClientAddresses } from '@parley/server-kit';
import type { Countries } from './countries';
import { readPosition, type Position } from './position';

/** What a proxy of ours may say of the caller: `latitude,longitude` in degrees. Goes before the country. */
export const POSITION_HEADER = 'x-parley-client-position';
/** Two letters (ISO 3166-1). Goes before what the address says. */
export const COUNTRY_HEADER = 'x-parley-client-country';

/**
 * About where a caller is: what a trusted proxy says, else the middle of the country its address belongs to. Undefined
 * when nobody knows. Headers of anybody else are not looked at.
 */
export function placeOf(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  clients: ClientAddresses,
  countries: Countries,
): Position | undefined {
  const peer = socket.remoteAddress ?? '';
  if (clients.isTrusted(peer)) {
    const position = readPosition(textOf(headers[POSITION_HEADER]));
    const told = position ?? countries.centreOf(textOf(headers[COUNTRY_HEADER]).trim());
    if (told !== undefined) return told;
  }
  const country = countries.ofAddress(clients.clientOf(peer, textOf(headers['x-forwarded-for'])));
  return country === undefined ? undefined : countries.centreOf(country);
}

function textOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header ?? []).join(',');
}
