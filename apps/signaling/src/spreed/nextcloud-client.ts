import { randomBytes } from 'node:crypto';
import { fail, type JsonValue, type Result } from '@parley/domain';
import type { Backend } from '@parley/persistence';
import {
  authRequestBody,
  backendChecksum,
  BACKEND_HEADERS,
  CLIENT_FEATURES,
  readAuthAnswer,
  readRoomAnswer,
  roomRequestBody,
  serverName,
  wireError,
  type BackendRoom,
  type BackendUser,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import type { Logger } from '@parley/server-kit';
import { request, type Dispatcher } from 'undici';
import { createBackendAgent, ReachRules } from './backend-agent';

const MAX_ANSWER_BYTES = 262_144;
const RANDOM_BYTES = 32;

export interface NextcloudClientOptions {
  readonly version: string;
  readonly logger: Logger;
  /** For connecting and for the whole answer, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Asks foreign backends (a Nextcloud each) who comes in (section "Backend requests"). */
export class NextcloudClient {
  private readonly agents = new Map<string, { readonly rules: string; readonly agent: Dispatcher }>();
  private readonly timeoutMs: number;

  constructor(private readonly options: NextcloudClientOptions) {
    this.timeoutMs = options.timeoutMs ?? 10_000;
  }

  /** Hello 1.0: may somebody with these parameters come in? */
  async authenticate(backend: Backend, url: string, params: JsonValue): Promise<Result<BackendUser, WireError>> {
    const body = await this.post(backend, url, authRequestBody(params));
    return body.ok ? readAuthAnswer(body.value) : body;
  }

  /** May this session join the room (or: it has left)? */
  async room(
    backend: Backend,
    url: string,
    of: Parameters<typeof roomRequestBody>[0],
  ): Promise<Result<BackendRoom, WireError>> {
    const body = await this.post(backend, url, roomRequestBody(of));
    return body.ok ? readRoomAnswer(body.value) : body;
  }

  async close(): Promise<void> {
    const agents = [...this.agents.values()];
    this.agents.clear();
    await Promise.all(agents.map(({ agent }) => agent.destroy()));
  }

  private async post(backend: Backend, url: string, body: string): Promise<Result<string, WireError>> {
    const random = randomBytes(RANDOM_BYTES).toString('hex');
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher: this.agentFor(backend),
        signal: AbortSignal.timeout(this.timeoutMs),
        body,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'ocs-apirequest': 'true',
          'user-agent': serverName(this.options.version),
          [BACKEND_HEADERS.features]: CLIENT_FEATURES.join(', '),
          [BACKEND_HEADERS.random]: random,
          [BACKEND_HEADERS.checksum]: backendChecksum(backend.secret, random, body),
        },
      });
      return { ok: true, value: await readJsonText(answer) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.options.logger.warn({ backend: backend.id, reason }, 'a backend could not be asked');
      return fail(wireError('internal_error'));
    }
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

async function readJsonText(answer: Dispatcher.ResponseData): Promise<string> {
  const type = String(answer.headers['content-type'] ?? '');
  if (!type.startsWith('application/json')) {
    await answer.body.dump();
    throw new Error(`the answer is no JSON but ${type.slice(0, 64) || 'nothing'}`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
