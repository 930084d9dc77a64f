import type { Backend } from '@parley/persistence';
import type { Metrics } from '@parley/server-kit';
import { request, type Dispatcher } from 'undici';
import { createBackendAgent, ReachRules } from './backend-agent';

const MAX_ANSWER_BYTES = 1_048_576;
const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Redirects that ask for the same request again; after the others the body is dropped. */
const SAME_AGAIN = new Set([307, 308]);

export interface BackendRequestOptions {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface BackendAnswer {
  readonly status: number;
  /** By lower-case name; of repeated ones the first. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined when it is no JSON by its Content-Type. */
  readonly json: string | undefined;
}

/** HTTP to backends: only where each of them may be, redirects only within the same origin. */
export class BackendHttp {
  private readonly agents = new Map<string, { readonly rules: string; readonly agent: Dispatcher }>();

  private readonly requests;
  private readonly errors;
  private readonly durations;

  /** @param timeoutMs for connecting and for the whole answer, in milliseconds */
  constructor(
    metrics: Metrics,
    private readonly timeoutMs = 10_000,
  ) {
    const labels = ['backend'] as const;
    const name = 'signaling_backend_client_requests';
    this.requests = metrics.counter(`${name}_total`, { help: 'Requests to backends', labels });
    this.errors = metrics.counter(`${name}_errors_total`, { help: 'Requests to backends that failed', labels });
    this.durations = metrics.histogram(`${name}_duration`, { help: 'Seconds until a backend answered', labels });
  }

  /** @throws when there is no answer in time, or one that cannot be taken */
  async send(backend: Backend, url: string, options: BackendRequestOptions): Promise<BackendAnswer> {
    const labels = { backend: backend.id };
    this.requests.inc(labels);
    const done = this.durations.startTimer(labels);
    try {
      return await this.exchange(backend, url, options);
    } catch (error) {
      this.errors.inc(labels);
      throw error;
    } finally {
      done();
    }
  }

  private async exchange(backend: Backend, url: string, options: BackendRequestOptions): Promise<BackendAnswer> {
    const dispatcher = this.agentFor(backend);
    const signal = AbortSignal.timeout(this.timeoutMs);
    let target = url;
    let current = options;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const answer = await request(target, { ...current, dispatcher, signal });
      const location = headerOf(answer, 'location');
      if (!REDIRECTS.has(answer.statusCode) || location === '') return read(answer);
      await answer.body.dump();
      target = redirected(target, location);
      if (!SAME_AGAIN.has(answer.statusCode)) current = { method: 'GET', headers: current.headers };
    }
    throw new Error('the backend redirects in circles');
  }

  async close(): Promise<void> {
    const agents = [...this.agents.values()];
    this.agents.clear();
    await Promise.all(agents.map(({ agent }) => agent.destroy()));
  }

  /** One agent per backend and set of rules: a pooled connection must never serve stricter ones. */
  private agentFor(backend: Backend): Dispatcher {
    const rules = backend.allowPrivate.join();
    const known = this.agents.get(backend.id);
    if (known !== undefined) {
      if (known.rules === rules) return known.agent;
      void known.agent.close();
    }
    const agent = createBackendAgent(new ReachRules(backend.allowPrivate), this.timeoutMs);
    this.agents.set(backend.id, { rules, agent });
    return agent;
  }
}

/** @throws when it leads to another origin: what is signed for one host is none of another's business */
function redirected(from: string, location: string): string {
  const next = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (next?.origin !== new URL(from).origin) throw new Error('the backend redirects to another origin');
  return next.href;
}

async function read(answer: Dispatcher.ResponseData): Promise<BackendAnswer> {
  const names = Object.keys(answer.headers);
  const headers = Object.fromEntries(names.map((name) => [name, headerOf(answer, name)]));
  const { statusCode: status } = answer;
  if (!headerOf(answer, 'content-type').startsWith('application/json')) {
    await answer.body.dump();
    return { status, headers, json: undefined };
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return { status, headers, json: Buffer.concat(chunks).toString('utf8') };
}

function headerOf(answer: Dispatcher.ResponseData, name: string): string {
  return [answer.headers[name] ?? ''].flat()[0] ?? '';
}
