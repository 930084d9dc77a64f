import { lookup, Resolver } from 'node:dns/promises';

/** All addresses of a host name, those to be tried first in front. Rejects when there is none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const QUERY_TIMEOUT_MS = 2_000;
const QUERY_TRIES = 2;
/** What name servers say of a name that is not there. */
const NOT_THERE = new Set<unknown>(['ENOTFOUND', 'ENODATA']);

/** The name servers answered that there is no such name. */
export class UnknownName extends Error {}

/**
 * Asks the name servers directly. The system's `getaddrinfo` would run in a pool of four threads, which four strangers with
 * dead name servers would block for everybody; what it knows besides (the hosts file) is never on the public internet.
 */
export function nameServerResolve(): Resolve {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const isSure = answers.every((answer) => answer.status === 'fulfilled' || NOT_THERE.has(codeOf(answer.reason)));
    throw new (isSure ? UnknownName : Error)(`${hostname} has no address`);
  };
}

/** As other programs on this machine resolve, `localhost` and the hosts file included. Only for names that we chose. */
export function systemResolve(): Resolve {
  return async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address);
}

/** For names that strangers choose but that may be ours: the system is asked only about what name servers do not know. */
export function eitherResolve(outer = nameServerResolve(), inner = systemResolve()): Resolve {
  return (hostname) =>
    outer(hostname).catch((error: unknown) => {
      if (error instanceof UnknownName) return inner(hostname);
      throw error;
    });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
