import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { WebSocket } from 'ws';
import { BackendRefusedError, type ReachRules } from '../spreed/backend-agent';

/** Longest frame another cluster may send, in bytes. */
const MAX_FRAME_BYTES = 262_144;

/**
 * A WebSocket to where clients say another cluster is: only wss and public addresses, unless the operator allowed more.
 * The address that is checked is the one that is dialled.
 * @throws BackendRefusedError when it is clear at once that it must not be dialled
 */
export function openGuardedSocket(
  url: string,
  rules: ReachRules,
  options: { readonly timeoutMs: number; readonly headers: Readonly<Record<string, string>> },
): WebSocket {
  const { protocol, hostname } = new URL(url);
  const scheme = protocol === 'ws:' ? 'http:' : 'https:';
  rules.assertScheme(scheme);
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !rules.allows(literal, scheme)) throw refusal();
  return new WebSocket(url, {
    handshakeTimeout: options.timeoutMs,
    headers: { ...options.headers },
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
    // ws hands it on to net.connect, its types do not know it.
    ...{ lookup: guardedLookup(rules, scheme) },
  });
}

function guardedLookup(rules: ReachRules, scheme: string): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '');
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => rules.allows(address, scheme))) {
        return done(refusal(), '');
      }
      if (options.all) return done(null, addresses);
      done(null, first.address, first.family);
    });
  };
}

function refusal(): BackendRefusedError {
  return new BackendRefusedError('the other server has an address that is not allowed');
}
