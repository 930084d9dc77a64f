import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/**
 * Who a request comes from, as administrators of this protocol's servers know the rules (brief 1.5). Headers count only
 * when one of our own proxies sent them: `X-Real-IP` first; else the right-most entry of `X-Forwarded-For` that is no
 * proxy of ours, what cannot be read being skipped, or the left-most one when all are.
 * @param isTrusted whether an address is one of our proxies
 */
export function clientAddressOf(
  peer: string | undefined,
  headers: IncomingHttpHeaders,
  isTrusted: (address: string) => boolean,
): string {
  const direct = bareAddress(peer ?? '') ?? 'unknown';
  if (!isTrusted(direct)) return direct;
  const real = bareAddress([headers['x-real-ip'] ?? ''].flat()[0] ?? '');
  if (real !== undefined) return real;
  const hops = [headers['x-forwarded-for'] ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((hop) => bareAddress(hop))
    .filter((hop) => hop !== undefined);
  return hops.findLast((hop) => !isTrusted(hop)) ?? hops[0] ?? direct;
}

/** The address without port and brackets, IPv4 in IPv6 clothing as IPv4; undefined when it is none. */
function bareAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const bare =
    /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(trimmed)?.[1] ?? trimmed;
  const address = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  return isIP(address) === 0 ? undefined : address;
}
