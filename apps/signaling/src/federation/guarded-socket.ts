import { checkLiteral, eitherResolve, guardedLookup, nameServerResolve } from '@parley/server-kit';
import { WebSocket } from 'ws';
import type { ReachRules } from '../spreed/backend-agent';

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
  const target = new URL(url);
  target.protocol = target.protocol === 'ws:' ? 'http:' : 'https:';
  checkLiteral(rules, target);
  const resolve = rules.allowPrivate.length > 0 ? eitherResolve() : nameServerResolve();
  return new WebSocket(url, {
    handshakeTimeout: options.timeoutMs,
    headers: { ...options.headers },
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
    // ws hands it on to net.connect, its types do not know it.
    ...{ lookup: guardedLookup(rules, resolve, target.protocol) },
  });
}
