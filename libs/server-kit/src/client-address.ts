import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;

/** Addresses remembered; some are chosen by callers. */
const MAX_PEERS = 1_000;

interface Peer {
  readonly trusted: boolean;
  /** As it is written everywhere; undefined when it is no address. */
  readonly plain: string | undefined;
}

/** Finds out who a request comes from, believing only proxies of one's own. */
export class ClientAddresses {
  private readonly ranges: readonly [Address, number][];
  private readonly peers = new Map<string, Peer>();

  /** @param trustedProxies addresses and CIDR ranges whose `X-Forwarded-For` is believed */
  constructor(trustedProxies: readonly string[]) {
    this.ranges = trustedProxies.map((range) => {
      const parsed = range.includes('/') ? range : `${range}/${ipaddr.parse(range).kind() === 'ipv4' ? 32 : 128}`;
      return ipaddr.parseCIDR(parsed);
    });
  }

  /** Whether this peer is one of our proxies. */
  isTrusted(address: string): boolean {
    return this.peer(address).trusted;
  }

  /**
   * The client's address: walking `X-Forwarded-For` from the right, the first one that is no proxy of ours. What stands
   * further left was written by the client itself. Something unreadable ends the walk at the last address known.
   * @param peer the socket's remote address
   * @param forwardedFor the header, several ones joined with commas
   */
  clientOf(peer: string | undefined, forwardedFor: string | undefined): string {
    let client = this.peer(peer ?? '').plain ?? 'unknown';
    if (forwardedFor === undefined || forwardedFor === '') return client;
    const hops = forwardedFor.split(',').reverse();
    for (const hop of hops) {
      if (!this.isTrusted(client)) break;
      const next = plain(hop.trim());
      if (next === undefined) break;
      client = next;
    }
    return client;
  }

  /** Back ends keep their connections: hardly any peer is a new one. */
  private peer(address: string): Peer {
    const known = this.peers.get(address);
    if (known !== undefined) return known;
    const parsed = parse(address);
    const trusted = parsed !== undefined && this.ranges.some(([range, bits]) => inRange(parsed, range, bits));
    const peer = { trusted, plain: plain(address) };
    if (this.peers.size >= MAX_PEERS) this.peers.clear();
    this.peers.set(address, peer);
    return peer;
  }
}

/** What a throttle counts under: an IPv4 address, or the /64 of an IPv6 one, since a household has 2^64 of those. */
export function throttleKey(address: string): string {
  const parsed = parse(address);
  if (parsed === undefined) return 'unknown';
  if (parsed instanceof ipaddr.IPv6) {
    return `${parsed.parts
      .slice(0, 4)
      .map((part) => part.toString(16))
      .join(':')}::/64`;
  }
  return parsed.toString();
}

function inRange(address: Address, range: Address, bits: number): boolean {
  if (address instanceof ipaddr.IPv4) return range instanceof ipaddr.IPv4 && address.match(range, bits);
  return range instanceof ipaddr.IPv6 && address.match(range, bits);
}

/** IPv4 in IPv6 clothing (`::ffff:10.0.0.1`) counts as IPv4. */
function parse(address: string): Address | undefined {
  return ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
}

function plain(address: string): string | undefined {
  // Some proxies write the port as well: 192.0.2.1:4711 or [2001:db8::1]:4711.
  const bare = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)?.[1] ?? address;
  return parse(bare)?.toString();
}
