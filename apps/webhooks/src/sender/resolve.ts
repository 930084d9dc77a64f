import { lookup } from 'node:dns/promises';
import { Resolver } from 'node:dns/promises';

/** All addresses of a host name, those to be tried first in front. Rejects when there is none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const QUERY_TIMEOUT_MS = 2_000;
const QUERY_TRIES = 2;

/**
 * Asks the name servers directly. The system's `getaddrinfo` would run in a pool of four threads, which four receivers with
 * dead name servers would block for everybody; what it knows besides (the hosts file) is never a public receiver.
 */
export function nameServerResolve(): Resolve {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length === 0) throw new Error(`${hostname} has no address`);
    return addresses;
  };
}

/** As other programs on this machine resolve, `localhost` and the hosts file included. */
export function systemResolve(): Resolve {
  return async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address);
}
