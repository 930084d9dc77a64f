import { isIP, type LookupFunction, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Agent, buildConnector } from 'undici';
import type { Resolve } from './resolve';

/** Where connections to addresses that others chose may go. One for each caller that has rules of its own. */
export interface Reach {
  /**
   * Before any name is resolved.
   * @param target `protocol` as `http:` or `https:`, `port` as `URL.port` gives it: empty for the scheme's own
   * @throws an error that says why not
   */
  checkTarget(target: { readonly protocol: string; readonly port: string }): void;
  /** @param address an IP address without brackets */
  allows(address: string, protocol: string): boolean;
  /** What is thrown when an address is not allowed. */
  refusal(): Error;
}

export interface GuardedAgentOptions {
  readonly reach: Reach;
  readonly resolve: Resolve;
  readonly connectTimeoutMs: number;
  /** Certificates to trust besides the system's, for tests. */
  readonly ca?: string;
  readonly agent?: Omit<Agent.Options, 'connect'>;
  /** The way out, where it leads through a proxy; without it addresses are dialled directly. */
  readonly tunnel?: Tunnel;
}

/** Opens a connection to an address that was checked, through something in between. */
export type Tunnel = (address: string, port: number) => Promise<Socket>;

/** How many addresses of one name are tried. */
const ADDRESSES_TRIED = 3;

/**
 * An HTTP agent that decides at connect time where it may go: the name is resolved once, every address is checked, and
 * the very address that was checked is dialled, so that a name server cannot answer differently the second time. Literal
 * addresses, which never reach a resolver, are checked as well. TLS still names and verifies the original host.
 *
 * One agent serves one set of rules: its pooled connections must never serve stricter ones.
 */
export function createGuardedAgent(options: GuardedAgentOptions): Agent {
  const dial = buildConnector({ timeout: options.connectTimeoutMs, ...(options.ca && { ca: options.ca }) });
  return new Agent({
    ...options.agent,
    connect: (target, done) => {
      guardedConnect(options, dial, target).then(
        (socket) => done(null, socket),
        (error: Error) => done(error, null),
      );
    },
    pipelining: 1,
  });
}

/**
 * The same decision for what dials by itself, as a `lookup` of `net.connect`. It is not asked about literal addresses:
 * those are for {@link checkLiteral}.
 * @param protocol `https:` for `wss:`
 */
export function guardedLookup(reach: Reach, resolve: Resolve, protocol: string): LookupFunction {
  return (hostname, options, done) => {
    allowedAddresses(reach, resolve, hostname, protocol).then(
      (addresses) => {
        const all = addresses.map((address) => ({ address, family: isIP(address) }));
        const [first] = all;
        if (options.all) done(null, all);
        else if (first === undefined) done(reach.refusal(), '');
        else done(null, first.address, first.family);
      },
      (error: Error) => done(error, ''),
    );
  };
}

/** @throws when the URL's host is an address that is not allowed, or its scheme or port is not */
export function checkLiteral(reach: Reach, { protocol, port, hostname }: URL): void {
  reach.checkTarget({ protocol, port });
  const host = bare(hostname);
  if (isIP(host) !== 0 && !reach.allows(host, protocol)) throw reach.refusal();
}

async function guardedConnect(
  { reach, resolve, tunnel }: GuardedAgentOptions,
  dial: buildConnector.connector,
  target: buildConnector.Options,
): Promise<Socket | TLSSocket> {
  reach.checkTarget(target);
  const hostname = bare(target.hostname);
  const addresses = await allowedAddresses(reach, resolve, hostname, target.protocol);
  // Servers pick the certificate by this name. Addresses are never sent as such (RFC 6066, section 3).
  const servername = isIP(hostname) ? undefined : hostname;
  let lastError: unknown = new Error('There is no address.');
  for (const address of addresses.slice(0, ADDRESSES_TRIED)) {
    try {
      const there = { ...target, hostname: address, servername };
      return await (tunnel === undefined ? dialOne(dial, there) : dialThrough(tunnel, dial, there));
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError;
}

/** All addresses of the host; one that is not allowed spoils them all. */
async function allowedAddresses(
  reach: Reach,
  resolve: Resolve,
  hostname: string,
  protocol: string,
): Promise<readonly string[]> {
  const addresses = isIP(hostname) ? [hostname] : await resolve(hostname);
  if (!addresses.every((address) => reach.allows(address, protocol))) throw reach.refusal();
  return addresses;
}

/** TLS is spoken with the receiver itself: what is in between sees an address and a port. */
async function dialThrough(
  tunnel: Tunnel,
  dial: buildConnector.connector,
  target: buildConnector.Options,
): Promise<Socket | TLSSocket> {
  const isTls = target.protocol === 'https:';
  const socket = await tunnel(target.hostname, Number(target.port) || (isTls ? 443 : 80));
  if (!isTls) return socket;
  try {
    return await dialOne(dial, { ...target, httpSocket: socket });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function dialOne(dial: buildConnector.connector, target: buildConnector.Options): Promise<Socket | TLSSocket> {
  return new Promise((resolve, reject) => {
    dial(target, (error, socket) => (error === null ? resolve(socket) : reject(error)));
  });
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
