import {
  AllowedReceivers,
  createGuardedAgent,
  eitherResolve,
  nameServerResolve,
  systemResolve,
  type Reach,
  type ReachPolicy,
  type Resolve,
  type Tunnel,
} from '@parley/server-kit';
import { request, type Agent, type Dispatcher } from 'undici';
import { following } from '../loop/following';
import { BeyondProxyError, EgressProxyError, egressTunnel } from './egress-proxy';
import { receiverReach, ReceiverRefusedError } from './receiver-rules';

/** One POST to a receiver. */
export interface Posting {
  readonly url: string;
  readonly policy: ReachPolicy;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For everything: name, connection, request, answer. */
  readonly deadlineMs: number;
  /** Aborted when the process has to end. */
  readonly stop: AbortSignal;
}

/** What became of it. */
export type PostingOutcome =
  /** Any answer, whatever its status; redirects are not followed. `body` is cut off at 16 KiB or at the deadline. */
  | { readonly kind: 'answered'; readonly status: number; readonly body: string; readonly retryAfter?: string }
  /** No status line within the deadline. */
  | { readonly kind: 'timeout' }
  /** Name, connection, TLS or protocol trouble; `reason` is fit for the webhook's owner. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Not an address we connect to. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The proxy through which we reach out failed or refused: not the receiver's fault. For the operator's log. */
  | { readonly kind: 'no-way-out'; readonly reason: string }
  /** The process ends: nobody's fault. */
  | { readonly kind: 'interrupted' };

export interface SenderOptions {
  readonly connectTimeoutMs?: number;
  readonly ca?: string;
  /** Ports besides 80 and 443 that receivers on the internet may listen on. */
  readonly extraPorts?: readonly number[];
  /** Receivers that may be called although they are not on the public internet. */
  readonly allowed?: AllowedReceivers;
  /** URL of a proxy through which all but receivers of the demo domain are reached. */
  readonly proxyUrl?: string;
  readonly resolve?: Resolve;
}

/** The deadline is the caller's abort signal; these are longer than any of ours. */
const AGENT = { headersTimeout: 60_000, bodyTimeout: 60_000, maxHeaderSize: 16_384, keepAliveTimeout: 10_000 };

/** At most this much of an answer is read. */
export const ANSWER_LIMIT_BYTES = 16_384;

/** Reaches out to receivers; the only thing in Parley that calls addresses customers chose. */
export class WebhookSender {
  private readonly agents: Record<ReachPolicy | 'allowed', Agent>;
  private readonly allowed: AllowedReceivers;

  constructor({ connectTimeoutMs = 5_000, ca, extraPorts = [], resolve, allowed, proxyUrl }: SenderOptions = {}) {
    this.allowed = allowed ?? new AllowedReceivers([]);
    const tunnel = proxyUrl === undefined ? undefined : egressTunnel(proxyUrl, connectTimeoutMs);
    const agent = (reach: Reach, names: Resolve, through?: Tunnel): Agent =>
      createGuardedAgent({
        reach,
        connectTimeoutMs,
        agent: AGENT,
        resolve: resolve ?? names,
        ...(ca !== undefined && { ca }),
        ...(through !== undefined && { tunnel: through }),
      });
    const reach = (policy: ReachPolicy): Reach => receiverReach(policy, extraPorts, this.allowed);
    this.agents = {
      public: agent(reach('public'), nameServerResolve(), tunnel),
      'local-too': agent(reach('local-too'), systemResolve()),
      // The operator named these hosts, so wherever they lead is fine, also when only this machine knows them.
      allowed: agent({ ...reach('public'), allows: () => true }, eitherResolve(), tunnel),
    };
  }

  private agentFor({ url, policy }: Posting): Agent {
    const isNamed = policy === 'public' && URL.canParse(url) && this.allowed.hasHost(new URL(url).hostname);
    return this.agents[isNamed ? 'allowed' : policy];
  }

  /** Never rejects. */
  async post(posting: Posting): Promise<PostingOutcome> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), posting.deadlineMs);
    const ends = following(deadline.signal, posting.stop);
    try {
      const response = await request(posting.url, {
        method: 'POST',
        dispatcher: this.agentFor(posting),
        body: posting.body,
        headers: { 'content-type': 'application/json', 'user-agent': 'parley', ...posting.headers },
        signal: ends.signal,
      });
      const retryAfter = response.headers['retry-after'];
      const body = await readStart(response.body);
      return {
        kind: 'answered',
        status: response.statusCode,
        body,
        ...(typeof retryAfter === 'string' && { retryAfter }),
      };
    } catch (error) {
      if (posting.stop.aborted) return { kind: 'interrupted' };
      if (error instanceof EgressProxyError) return { kind: 'no-way-out', reason: error.message };
      if (deadline.signal.aborted || isConnectTimeout(error)) return { kind: 'timeout' };
      if (error instanceof ReceiverRefusedError) return { kind: 'refused', reason: error.message };
      if (error instanceof BeyondProxyError) return { kind: 'unreachable', reason: error.message };
      return { kind: 'unreachable', reason: describe(error) };
    } finally {
      clearTimeout(timer);
      ends.release();
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.agents).map((agent) => agent.destroy()));
  }
}

/** The status line has been heard, so a body that breaks off or never ends changes nothing. */
async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      const part = Buffer.from(chunk as Uint8Array);
      parts.push(part);
      size += part.length;
      if (size >= ANSWER_LIMIT_BYTES) break;
    }
  } catch {
    // Cut off by the deadline or by the receiver: what arrived counts.
  } finally {
    body.destroy();
  }
  return Buffer.concat(parts).subarray(0, ANSWER_LIMIT_BYTES).toString('utf8').replaceAll('\0', '');
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The receiver refused the connection.',
  ECONNRESET: 'The receiver broke the connection.',
  EHOSTUNREACH: 'The receiver cannot be reached.',
  ENETUNREACH: 'The receiver cannot be reached.',
  EPIPE: 'The receiver broke the connection.',
  UND_ERR_SOCKET: 'The receiver broke the connection.',
  UND_ERR_HEADERS_OVERFLOW: 'The headers of the answer are too large.',
  CERT_HAS_EXPIRED: 'The certificate of the receiver has expired.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate of the receiver is self-signed.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'The certificate of the receiver cannot be verified.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the receiver is for another name.',
};

const CONNECT_TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT']);

/** No connection within the time for one: as silent as a receiver that does not answer. */
function isConnectTimeout(error: unknown): boolean {
  return CONNECT_TIMEOUTS.has(codeOf(error));
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** Only sentences of our own: the messages of the network layer name addresses. */
function describe(error: unknown): string {
  const code = codeOf(error);
  const name = /^[A-Z0-9_]{1,60}$/.test(code) ? ` (${code})` : '';
  return REASONS[code] ?? `The receiver cannot be called${name}.`;
}
