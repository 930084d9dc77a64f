import { isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isAddressAllowed, type ReachPolicy } from '@parley/server-kit';
import { Agent, buildConnector } from 'undici';
import { checkPort, checkScheme, ReceiverRefusedError } from './receiver-rules';
import type { Resolve } from './resolve';

export interface GuardedAgentOptions {
  readonly policy: ReachPolicy;
  /** Ports besides 80 and 443 that receivers on the internet may listen on. */
  readonly extraPorts: readonly number[];
  readonly resolve: Resolve;
  readonly connectTimeoutMs: number;
  /** Certificates to trust besides the system's, for tests. */
  readonly ca?: string;
}

/** How many addresses of one name are tried. */
const ADDRESSES_TRIED = 3;

/**
 * An HTTP agent that decides at connect time where it may go: the name is resolved once, every address is checked, and
 * the very address that was checked is dialled, so that a name server cannot answer differently the second time. Literal
 * addresses, which never reach a resolver, are checked as well. TLS still names and verifies the original host.
 *
 * One agent serves one policy: its pooled connections must never serve a stricter one.
 */
export function createGuardedAgent(options: GuardedAgentOptions): Agent {
  const dial = buildConnector({ timeout: options.connectTimeoutMs, ...(options.ca && { ca: options.ca }) });
  return new Agent({
    connect: (target, done) => {
      guardedConnect(options, dial, target).then(
        (socket) => done(null, socket),
        (error: Error) => done(error, null),
      );
    },
    // Longer than any deadline of ours; the deadline is the caller's abort signal.
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
    maxHeaderSize: 16_384,
    keepAliveTimeout: 10_000,
    pipelining: 1,
  });
}

async function guardedConnect(
  { policy, extraPorts, resolve }: GuardedAgentOptions,
  dial: buildConnector.connector,
  target: buildConnector.Options,
): Promise<Socket | TLSSocket> {
  checkScheme(target.protocol, policy);
  checkPort(target.port, policy, extraPorts);
  const hostname = target.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(hostname) ? [hostname] : await resolve(hostname);
  if (!addresses.every((address) => isAddressAllowed(address, policy))) {
    throw new ReceiverRefusedError('The receiver has an address that is not on the public internet.');
  }
  // Servers pick the certificate by this name. Addresses are never sent as such (RFC 6066, section 3).
  const servername = isIP(hostname) ? undefined : hostname;
  let lastError: unknown = new Error('The receiver has no address.');
  for (const address of addresses.slice(0, ADDRESSES_TRIED)) {
    try {
      return await dialOne(dial, { ...target, hostname: address, servername });
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError;
}

function dialOne(dial: buildConnector.connector, target: buildConnector.Options): Promise<Socket | TLSSocket> {
  return new Promise((resolve, reject) => {
    dial(target, (error, socket) => (error === null ? resolve(socket) : reject(error)));
  });
}
