import { isDomainError, type RoomStore } from '@parley/domain';
import type { LiveRoomState } from '@parley/live';
import type { Backend, BackendStore } from '@parley/persistence';
import {
  checkHeaders,
  decodeBackendRequest,
  normalizeBackendUrl,
  refuse,
  signerOf,
  type BackendReply,
  type RawHeaders,
  type Signature,
} from '@parley/protocol-spreed-signaling';
import type { Logger, UnknownErrorReporter } from '@parley/server-kit';
import type { AttemptThrottle } from '../spreed/attempt-throttle';
import { addressRoom } from './addressed-room';
import type { BackendRequests } from './backend-requests';

/** A request as it came over HTTP. */
export interface BackendCall {
  readonly headers: RawHeaders;
  /** The room as the backend names it. */
  readonly token: string;
  /** The bytes as they came: the checksum is made over them. */
  readonly body: Uint8Array;
  /** Whom failures count against. */
  readonly address: string;
}

export interface BackendRoomEndpointParts {
  readonly backends: Pick<BackendStore, 'byUrl' | 'list'>;
  readonly throttle: AttemptThrottle;
  readonly roomStore: Pick<RoomStore, 'findOpen'>;
  readonly live: Pick<LiveRoomState, 'nextOrder'>;
  readonly requests: BackendRequests;
  readonly logger: Logger;
  readonly errors: UnknownErrorReporter;
}

/** `POST /api/v1/room/{id}`: every step in the order that backends know (brief 1.3). */
export class BackendRoomEndpoint {
  constructor(private readonly parts: BackendRoomEndpointParts) {}

  /** Never throws: whatever goes wrong inside is a 500, which backends try again. */
  async answer(call: BackendCall): Promise<BackendReply> {
    const signature = checkHeaders(call.headers);
    if (!signature.ok) return signature.error;
    let blocked: boolean;
    try {
      blocked = await this.parts.throttle.isBlocked('BackendRoomAuth', call.address);
    } catch (error) {
      return this.failed(error, 'guard_failed');
    }
    if (blocked) return refuse('blocked');
    try {
      return await this.authenticAnswer(call, signature.value);
    } catch (error) {
      return this.failed(error, 'failed');
    }
  }

  private async authenticAnswer({ body, token, address }: BackendCall, signature: Signature): Promise<BackendReply> {
    const { throttle, requests } = this.parts;
    const backend = signerOf(signature, body, await this.candidates(signature.backendUrl));
    if (backend === undefined) {
      await throttle.failed('BackendRoomAuth', address);
      return refuse('not_authentic');
    }
    const room = await addressRoom(this.parts, backend, token);
    const request = decodeBackendRequest(body);
    return request.ok ? requests.carryOut(room, request.value) : request.error;
  }

  /** Who may have signed it: the backend that is named, or, when none is, any. */
  private async candidates(url: string | undefined): Promise<readonly Backend[]> {
    const { backends } = this.parts;
    if (url === undefined) return backends.list();
    const base = normalizeBackendUrl(url);
    const named = base === undefined ? null : await backends.byUrl(base);
    return named === null ? [] : [named];
  }

  private failed(error: unknown, refusal: 'guard_failed' | 'failed'): BackendReply {
    const { errors, logger } = this.parts;
    if (isDomainError(error))
      logger.warn({ code: error.code, refusal }, 'a request of a backend could not be carried out');
    else errors.report(error, { during: 'backend request' });
    return refuse(refusal);
  }
}
