import { createHmac, randomBytes } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import type { JsonObject, JsonValue } from '@parley/domain';

/** An answer as PHP gets it. */
export interface PhpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the administrator is shown of a signaling server. */
export interface ServerCheck {
  readonly version?: string;
  readonly error?: 'JSON_INVALID' | 'UPDATE_REQUIRED' | 'TIME_OUT_OF_SYNC' | 'CAN_NOT_CONNECT';
  readonly warning?: 'UPDATE_OPTIONAL';
  readonly missing?: readonly string[];
}

const REQUIRED = ['audio-video-permissions', 'federation', 'incall-all', 'hello-v2', 'switchto'];
const OPTIONAL = ['dialout', 'join-features'];
const TRIES = 3;
/** How far the clocks of Nextcloud and signaling server may be apart, in milliseconds. */
const ALLOWED_OFFSET_MS = 45_000;

/** The PHP side's way to the signaling server (brief 7.2, 7.3). Every request is a connection of its own. */
export class BackendNotifier {
  /** How many requests had to be sent again. */
  repeated = 0;

  /**
   * @param server URL of the signaling server, as the administrator entered it
   * @param self base URL of this Nextcloud
   */
  constructor(
    private readonly server: string,
    private readonly self: string,
    private readonly secret: string,
  ) {}

  /** What the administrator is told. */
  async check(): Promise<ServerCheck> {
    const answer = await ask(`${this.base()}/api/v1/welcome`, 'GET').catch(() => undefined);
    if (answer === undefined || answer.status !== 200) return { error: 'CAN_NOT_CONNECT' };
    const offset = Math.abs(Date.parse(String(answer.headers.date)) - Date.now());
    if (!(offset <= ALLOWED_OFFSET_MS)) return { error: 'TIME_OUT_OF_SYNC' };
    const welcome = objectOf(answer.body);
    if (welcome === undefined) return { error: 'JSON_INVALID' };
    const missing = lacking(answer, REQUIRED);
    if (typeof welcome.version !== 'string' || welcome.version === '' || missing.length > 0) {
      return { error: 'UPDATE_REQUIRED', missing };
    }
    const wishes = lacking(answer, OPTIONAL);
    return { version: welcome.version, ...(wishes.length > 0 ? { warning: 'UPDATE_OPTIONAL', missing: wishes } : {}) };
  }

  /**
   * Tells the server something about a conversation.
   * @throws Error when it cannot be reached or fails three times, refuses, or does not say that it can do what is needed
   */
  async notify(token: string, message: JsonObject): Promise<PhpAnswer> {
    const body = JSON.stringify(message);
    const answer = await this.send(token, body);
    if (answer.status >= 400) throw new Error(`${answer.status} to ${body}: ${answer.body}`);
    return answer;
  }

  /** As {@link notify}; the answer may be a refusal, which is to be read. */
  async send(token: string, body: string): Promise<PhpAnswer> {
    for (let tries = 1; ; tries += 1) {
      const random = randomBytes(32).toString('hex');
      const answer = await ask(`${this.base()}/api/v1/room/${token}`, 'POST', body, {
        'content-type': 'application/json',
        'spreed-signaling-random': random,
        'spreed-signaling-checksum': createHmac('sha256', this.secret)
          .update(random + body)
          .digest('hex'),
        'spreed-signaling-backend': this.self,
      }).catch((error: unknown) => {
        if (tries >= TRIES) throw error;
      });
      // A dial-out that no bridge took has a status of that kind and an answer to be read.
      const mayPass = answer === undefined || (answer.status >= 500 && objectOf(answer.body) === undefined);
      if (!mayPass || (answer !== undefined && tries >= TRIES)) return compatible(answer);
      this.repeated += 1;
    }
  }

  private base(): string {
    return this.server.toLowerCase().replace(/^ws/, 'http').replace(/\/$/, '');
  }
}

function compatible(answer: PhpAnswer): PhpAnswer {
  const missing = lacking(answer, REQUIRED);
  if (missing.length > 0) throw new Error(`an answer ${answer.status} without the features ${missing.join(', ')}`);
  return answer;
}

function lacking({ headers }: PhpAnswer, wanted: readonly string[]): string[] {
  const offered = String(headers['x-spreed-signaling-features'] ?? '').split(',');
  return wanted.filter((feature) => !offered.some((each) => each.trim() === feature));
}

function objectOf(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function ask(url: string, method: string, body = '', headers: Record<string, string> = {}): Promise<PhpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method,
      agent: false,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0 } = response;
        resolve({ status: statusCode, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.end(body);
  });
}
