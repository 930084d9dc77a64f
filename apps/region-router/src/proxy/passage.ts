import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientAddresses } from '@parley/server-kit';
import { endToEnd, valuesOf } from './headers';

/** One request on its way through the router. */
export interface Passage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Path and query, as received. */
  readonly target: string;
  readonly id: string;
  /** How many routers it has passed before. */
  readonly hops: number;
  /** What the router before us said about it, signed. */
  readonly says: Says;
  readonly forwarded: Forwarded;
  readonly caller: Caller;
}

/** The one who waits for the answer. An AbortSignal would do, at a tenth of what passing a call on costs. */
export class Caller {
  private hungUp = false;
  private readonly listeners: (() => void)[] = [];

  constructor(response: ServerResponse) {
    response.once('close', () => {
      if (response.writableFinished) return;
      this.hungUp = true;
      for (const listener of this.listeners) listener();
    });
  }

  get isGone(): boolean {
    return this.hungUp;
  }

  /** Calls `listener` when the caller hangs up before the answer is complete. */
  onGone(listener: () => void): void {
    if (this.hungUp) listener();
    else this.listeners.push(listener);
  }
}

/** What routers tell each other, and the api, about a call, signed with the internal key. */
export interface Says {
  /** The client's address, protocol and the host it asked for. */
  readonly for?: string;
  readonly proto?: string;
  readonly host?: string;
  /** The domain it was found to concern, and how often that had moved as far as the directory told. */
  readonly domain?: string;
  readonly epoch?: string;
  /** All regions that are asked, when the call concerns an account. */
  readonly regions?: string;
}

/** Who asked, how and for which host, as those behind us are told. */
export interface Forwarded {
  readonly client: string;
  readonly proto: string;
  readonly host: string | undefined;
}

/** @param says what another router of ours signed; it knows better than the socket who the client is */
export function forwardedBy(request: IncomingMessage, clients: ClientAddresses, says: Says = {}): Forwarded {
  const headers = request.rawHeaders;
  const peer = request.socket.remoteAddress;
  const believed = clients.isTrusted(peer ?? '');
  const first = (name: string) => (believed ? valuesOf(headers, name)[0] : undefined);
  const encrypted = 'encrypted' in request.socket;
  return {
    client: says.for ?? clients.clientOf(peer, valuesOf(headers, 'x-forwarded-for').join(',')),
    proto: says.proto ?? first('x-forwarded-proto') ?? (encrypted ? 'https' : 'http'),
    host: says.host ?? first('x-forwarded-host') ?? request.headers.host,
  };
}

/** The headers that say who asked, in the place of whatever the caller wrote there. */
export function forwardedHeaders({ client, proto, host }: Forwarded): Record<string, string | undefined> {
  return {
    'x-parley-internal': undefined,
    forwarded: undefined,
    'x-real-ip': undefined,
    'x-forwarded-for': client,
    'x-forwarded-proto': proto,
    'x-forwarded-host': host,
  };
}

/** What only we say; how long the body is says whoever sends it. */
const OURS: ReadonlySet<string> = new Set([
  ...Object.keys(forwardedHeaders({ client: '', proto: '', host: undefined })),
  'x-request-id',
  'content-length',
]);

/**
 * What is passed on of a request's headers, with `changes` (names in lower case) on top and before all others: nothing a
 * caller sends crowds them out.
 */
export function onwardHeaders(passage: Passage, changes: Readonly<Record<string, string>> = {}): string[] {
  const { client, proto, host } = passage.forwarded;
  const headers = ['x-forwarded-for', client, 'x-forwarded-proto', proto, 'x-request-id', passage.id];
  if (host !== undefined) headers.push('x-forwarded-host', host);
  const names = Object.keys(changes);
  for (const name of names) headers.push(name, changes[name] ?? '');
  const dropped = names.every((name) => OURS.has(name)) ? OURS : new Set([...OURS, ...names]);
  headers.push(...endToEnd(passage.request.rawHeaders, dropped));
  return headers;
}
