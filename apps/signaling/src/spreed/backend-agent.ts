import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { Agent, buildConnector } from 'undici';

/** Address ranges that are not the public internet (RFC 6890 and later registries). */
const SPECIAL_RANGES = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
] as const;

/** The only IPv6 range that is handed out to the public; inside it, what leads back to IPv4 or nowhere. */
const GLOBAL_IPV6 = ['2000::', 3] as const;
const SPECIAL_IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

/** Thrown when a backend's URL leads where it must not. */
export class BackendRefusedError extends Error {
  override readonly name = 'BackendRefusedError';
}

/** Which addresses one backend may have. */
export class ReachRules {
  private readonly special = new BlockList();
  private readonly global = new BlockList();
  private readonly allowed = new BlockList();

  /** @param allowPrivate ranges (CIDR) that are fine although they are not public */
  constructor(private readonly allowPrivate: readonly string[]) {
    for (const [net, bits, family] of SPECIAL_RANGES) this.special.addSubnet(net, bits, family);
    for (const [net, bits] of SPECIAL_IPV6) this.special.addSubnet(net, bits, 'ipv6');
    this.global.addSubnet(...GLOBAL_IPV6, 'ipv6');
    for (const range of allowPrivate) {
      const [net = '', bits] = range.split('/');
      const family = isIP(net) === 6 ? 'ipv6' : 'ipv4';
      this.allowed.addSubnet(net, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
    }
  }

  /** Plain http goes only where the operator allowed it: nothing on the way may read along. */
  allows(address: string, protocol = 'https:'): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (isIP(address) === 0) return false;
    if (this.allowed.check(address, family)) return true;
    if (protocol === 'http:') return false;
    if (this.special.check(address, family)) return false;
    return family === 'ipv4' || this.global.check(address, 'ipv6');
  }

  /** Plain http is for private networks only. */
  assertScheme(protocol: string): void {
    if (protocol === 'https:') return;
    if (protocol !== 'http:' || this.allowPrivate.length === 0) throw new BackendRefusedError('only https is allowed');
  }
}

/**
 * An agent for one backend. It decides at connect time where it may go and dials the very address it checked, so that a
 * name server cannot answer differently the second time.
 */
export function createBackendAgent(rules: ReachRules, connectTimeoutMs: number): Agent {
  const dial = buildConnector({ timeout: connectTimeoutMs });
  return new Agent({
    connections: 8,
    pipelining: 1,
    connect: (target, done) => {
      resolveAllowed(rules, target).then(
        (hostname) => {
          const name = bare(target.hostname);
          dial({ ...target, hostname, servername: isIP(name) === 0 ? name : undefined }, done);
        },
        (error: Error) => done(error, null),
      );
    },
  });
}

async function resolveAllowed(rules: ReachRules, target: buildConnector.Options): Promise<string> {
  rules.assertScheme(target.protocol);
  const hostname = bare(target.hostname);
  const addresses = isIP(hostname) ? [hostname] : (await lookup(hostname, { all: true })).map(({ address }) => address);
  const [first] = addresses;
  if (first === undefined || !addresses.every((address) => rules.allows(address, target.protocol))) {
    throw new BackendRefusedError('the backend has an address that is not allowed');
  }
  return first;
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
