import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { ClientAddresses } from './client-address';

/**
 * Where a receiver may stand. `public`: anywhere on the internet, https only. `local-too`: also on this machine and over
 * plain http, for the demo domain; private networks stay closed to it as well.
 */
export type ReachPolicy = 'public' | 'local-too';

const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');
/** Special ranges inside of what ipaddr.js takes for plain unicast. */
const NOT_GLOBAL = ['192.88.99.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.175.48.0/24', '3fff::/20'].map(
  (range) => ipaddr.parseCIDR(range),
);

/**
 * Whether a connection to this address is allowed. It is an allow-list: what is not plain unicast (private, shared,
 * link-local, multicast, documentation, tunnels to IPv4 and the rest) is refused, also in ranges yet to be invented.
 * @param address an IP address as a resolver or `URL.hostname` gives it, without brackets
 */
export function isAddressAllowed(address: string, policy: ReachPolicy): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false;
  // Unwraps IPv4 in IPv6 (::ffff:10.0.0.1), which would otherwise pass as an address of its own.
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (range === 'loopback') return policy === 'local-too';
  if (range !== 'unicast') return false;
  if (parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_IPV6)) return false;
  return !NOT_GLOBAL.some(([net, bits]) => net.kind() === parsed.kind() && parsed.match(net, bits));
}

/**
 * Whether a URL's host may be one, as far as its text shows: a literal address has to be allowed, `localhost` is this
 * machine. Where any other name leads is decided when a connection is made.
 * @param hostname as `URL.hostname` gives it
 * @param allowed what may be called although it is not on the public internet
 */
export function mayBeReceiver(
  hostname: string,
  policy: ReachPolicy,
  allowed: AllowedReceivers = new AllowedReceivers([]),
): boolean {
  const host = bareHost(hostname);
  if (isIP(host) !== 0) return isAddressAllowed(host, policy) || allowed.hasAddress(host);
  if (allowed.hasHost(hostname)) return true;
  return policy === 'local-too' || !/^(.*\.)?localhost$/.test(host);
}

/** Receivers of the operator's own network: addresses, ranges and host names that are called although they are not public. */
export class AllowedReceivers {
  private readonly ranges: ClientAddresses;
  private readonly hosts: ReadonlySet<string>;

  /** @param entries IP addresses, ranges in CIDR notation, host names */
  constructor(entries: readonly string[]) {
    const isRange = (entry: string): boolean => isIP(entry.split('/')[0] ?? '') !== 0;
    this.ranges = new ClientAddresses(entries.filter(isRange));
    this.hosts = new Set(entries.filter((entry) => !isRange(entry)).map(bareHost));
  }

  /** @param hostname as `URL.hostname` gives it */
  hasHost(hostname: string): boolean {
    return this.hosts.has(bareHost(hostname));
  }

  /** @param address an IP address without brackets */
  hasAddress(address: string): boolean {
    return isIP(address) !== 0 && !address.includes('%') && this.ranges.isTrusted(address);
  }
}

function bareHost(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}
