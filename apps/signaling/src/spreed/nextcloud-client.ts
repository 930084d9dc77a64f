import { randomBytes } from 'node:crypto';
import { fail, type JsonValue, type Result } from '@parley/domain';
import type { Backend } from '@parley/persistence';
import {
  authRequestBody,
  backendAddress,
  backendChecksum,
  BACKEND_HEADERS,
  backendRequestUrl,
  CLIENT_FEATURES,
  normalizeBackendUrl,
  pingRequestBody,
  readAcknowledgement,
  readAuthAnswer,
  readRoomAnswer,
  roomRequestBody,
  serverName,
  wireError,
  type BackendAddress,
  type BackendRoom,
  type BackendUser,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import type { Logger } from '@parley/server-kit';
import type { BackendHttp } from './backend-http';
import type { Capabilities } from './capabilities';

const RANDOM_BYTES = 32;

export interface NextcloudClientOptions {
  readonly version: string;
  readonly logger: Logger;
  readonly http: BackendHttp;
  readonly capabilities: Capabilities;
}

/** One who is still there, in a ping. */
export interface PingEntry {
  readonly roomId: string;
  readonly userId: string;
  readonly sessionId: string;
}

/** Asks foreign backends (a Nextcloud each) who comes in, and tells them who is there (section "Backend requests"). */
export class NextcloudClient {
  constructor(private readonly options: NextcloudClientOptions) {}

  /** Where a backend is asked at one of its addresses. */
  async requestUrl(backend: Backend, address: BackendAddress): Promise<string> {
    const capabilities = await this.options.capabilities.of(backend, address.base);
    return backendRequestUrl(address, capabilities?.features);
  }

  /** Hello 1.0: may somebody with these parameters come in? */
  async authenticate(backend: Backend, url: string, params: JsonValue): Promise<Result<BackendUser, WireError>> {
    const body = await this.send(backend, url, authRequestBody(params));
    return body.ok ? readAuthAnswer(body.value) : body;
  }

  /** May this session join the room (or: it has left)? */
  async room(
    backend: Backend,
    url: string,
    of: Parameters<typeof roomRequestBody>[0],
  ): Promise<Result<BackendRoom, WireError>> {
    const body = await this.send(backend, url, roomRequestBody(of));
    return body.ok ? readRoomAnswer(body.value) : body;
  }

  /**
   * Tells who is still there: in as few requests as the backend takes, or one per room when it does not say how many
   * entries it takes. Goes on after a failed one.
   * @returns whether all of them arrived
   */
  async ping(backend: Backend, url: string, entries: readonly PingEntry[]): Promise<boolean> {
    const present = presentUrl(backend, url);
    const capabilities = await this.options.capabilities.of(backend, normalizeBackendUrl(present) ?? present);
    const batches = capabilities?.pingLimit === undefined ? byRoom(entries) : chunks(entries, capabilities.pingLimit);
    let all = true;
    for (const { roomId, entries: batch } of batches) {
      const answer = await this.send(backend, url, pingRequestBody(roomId, batch));
      all &&= answer.ok && readAcknowledgement(answer.value).ok;
    }
    return all;
  }

  /** Any other signed request; answers the JSON text of the answer. */
  async send(backend: Backend, url: string, body: string): Promise<Result<string, WireError>> {
    const { http, logger, version } = this.options;
    const random = randomBytes(RANDOM_BYTES).toString('hex');
    try {
      const { json } = await http.send(backend, presentUrl(backend, url), {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'ocs-apirequest': 'true',
          'user-agent': serverName(version),
          [BACKEND_HEADERS.features]: CLIENT_FEATURES.join(', '),
          [BACKEND_HEADERS.random]: random,
          [BACKEND_HEADERS.checksum]: backendChecksum(backend.secret, random, body),
        },
      });
      if (json === undefined) throw new Error('the answer is no JSON');
      return { ok: true, value: json };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn({ backend: backend.id, reason }, 'a backend could not be asked');
      return fail(wireError('internal_error'));
    }
  }
}

/** Where sessions are asked about that came in by a URL which their backend has no longer: at the first it has now. */
function presentUrl({ urls }: Backend, url: string): string {
  const [first] = urls;
  if (first === undefined || backendAddress(url, urls) !== undefined) return url;
  const version = /\/v([123])\/signaling\/backend$/.exec(url)?.[1] ?? '1';
  // The expression knows no other versions.
  return backendRequestUrl({ base: first, version: version as BackendAddress['version'] });
}

interface Batch {
  /** Empty: of several rooms. */
  readonly roomId: string;
  readonly entries: readonly PingEntry[];
}

function byRoom(entries: readonly PingEntry[]): Batch[] {
  const rooms = new Map<string, PingEntry[]>();
  for (const entry of entries) {
    const room = rooms.get(entry.roomId);
    if (room === undefined) rooms.set(entry.roomId, [entry]);
    else room.push(entry);
  }
  return [...rooms].map(([roomId, batch]) => ({ roomId, entries: batch }));
}

function chunks(entries: readonly PingEntry[], size: number): Batch[] {
  const count = Math.ceil(entries.length / size);
  return Array.from({ length: count }, (_, index) => ({
    roomId: '',
    entries: entries.slice(index * size, (index + 1) * size),
  }));
}
