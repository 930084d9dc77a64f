import type { Clock } from '@parley/domain';
import type { Backend } from '@parley/persistence';
import {
  cacheRulesOf,
  readCapabilities,
  serverName,
  type BackendCapabilities,
} from '@parley/protocol-spreed-signaling';
import type { Logger } from '@parley/server-kit';
import type { BackendHttp } from './backend-http';

/** However often a backend wants to be asked: what it said holds at least this long, and a forced look waits for it. */
const MIN_AGE_MS = 60_000;
/** After a failed look the next one waits for this long, so that an outage is not met with a wait at every hello. */
const RETRY_MS = 5_000;
const MAX_ENTRIES = 1_000;

interface Entry {
  readonly capabilities: BackendCapabilities | undefined;
  /** When it is to be looked at again, milliseconds since 1970. */
  readonly until: number;
  /** When a look was last forced, or the entry made. */
  readonly forcedAt: number;
  readonly etag: string | undefined;
  readonly mustRevalidate: boolean;
}

export interface CapabilitiesParts {
  readonly http: BackendHttp;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
}

/** What backends can do, as they say themselves, remembered as long as they allow (briefs, 3.1). */
export class Capabilities {
  private readonly entries = new Map<string, Entry>();
  private readonly underWay = new Map<string, Promise<Entry>>();

  constructor(private readonly parts: CapabilitiesParts) {}

  /** Undefined: nobody knows, because the backend does not answer. */
  async of(backend: Backend, baseUrl: string): Promise<BackendCapabilities | undefined> {
    const known = this.entries.get(keyOf(backend, baseUrl));
    if (known !== undefined && known.until > this.now()) return known.capabilities;
    return (await this.look(backend, baseUrl, known)).capabilities;
  }

  /** Looks again although what is known still holds; at most once a minute, in between it answers what is known. */
  async again(backend: Backend, baseUrl: string): Promise<BackendCapabilities | undefined> {
    const known = this.entries.get(keyOf(backend, baseUrl));
    if (known !== undefined && known.forcedAt + MIN_AGE_MS > this.now()) return known.capabilities;
    const forced = known && { ...known, etag: undefined, forcedAt: this.now() };
    return (await this.look(backend, baseUrl, forced)).capabilities;
  }

  /** Those who ask at the same time share one request. */
  private look(backend: Backend, baseUrl: string, known: Entry | undefined): Promise<Entry> {
    const key = keyOf(backend, baseUrl);
    const running = this.underWay.get(key);
    if (running !== undefined) return running;
    const asked = this.ask(backend, baseUrl, known)
      .then((entry) => this.remember(key, entry))
      .finally(() => this.underWay.delete(key));
    this.underWay.set(key, asked);
    return asked;
  }

  private async ask(backend: Backend, baseUrl: string, known: Entry | undefined): Promise<Entry> {
    const { http, version, logger } = this.parts;
    try {
      const headers = {
        accept: 'application/json',
        'ocs-apirequest': 'true',
        'user-agent': serverName(version),
        ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
      };
      const answer = await http.send(backend, `${baseUrl}ocs/v2.php/cloud/capabilities`, { method: 'GET', headers });
      const rules = cacheRulesOf(answer.headers);
      const until = this.now() + Math.max(MIN_AGE_MS, rules.maxAgeMs);
      // The first look counts as none that was forced: a backend may have been upgraded a moment ago.
      const forcedAt = known?.forcedAt ?? Number.NEGATIVE_INFINITY;
      if (answer.status === 304 && known !== undefined) return { ...known, until, forcedAt };
      const capabilities =
        answer.status === 200 && answer.json !== undefined ? readCapabilities(answer.json) : undefined;
      if (capabilities === undefined) throw new Error(`no capabilities in an answer with status ${answer.status}`);
      return { capabilities, until, forcedAt, etag: rules.etag, mustRevalidate: rules.mustRevalidate };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn({ backend: backend.id, reason }, 'the capabilities of a backend are not known');
      const until = this.now() + RETRY_MS;
      const nothing = { capabilities: undefined, etag: undefined, mustRevalidate: false, forcedAt: this.now() };
      return known === undefined || known.mustRevalidate ? { ...nothing, until } : { ...known, until };
    }
  }

  private remember(key: string, entry: Entry): Entry {
    this.entries.delete(key);
    const [oldest] = this.entries.keys();
    if (this.entries.size >= MAX_ENTRIES && oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(key, entry);
    return entry;
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

/** With where it may be: what was learnt at an address that is not allowed any more holds no longer. */
function keyOf({ id, allowPrivate }: Backend, baseUrl: string): string {
  return `${id} ${baseUrl} ${allowPrivate.join()}`;
}
