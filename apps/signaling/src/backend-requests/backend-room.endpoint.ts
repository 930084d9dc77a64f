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

/** It cannot be told whether somebody guesses. */
class GuardFailed extends Error {}

function guardFailed(cause: unknown): never {
  throw new GuardFailed('the throttle does not answer', { cause });
}

/** `POST /api/v1/room/{id}`: every step in the order that backends know (brief 1.3). */
export class BackendRoomEndpoint {
  constructor(private readonly parts: BackendRoomEndpointParts) {}

  /** Never throws: whatever goes wrong inside is a 500, which backends try again. */
  async answer(call: BackendCall): Promise<BackendReply> {
    const signature = checkHeaders(call.headers);
    if (!signature.ok) return signature.error;
    try {
      const signer = await this.signer(call, signature.value);
      return typeof signer === 'string' ? refuse(signer) : await this.authenticAnswer(call, signer);
    } catch (error) {
      return error instanceof GuardFailed ? this.failed(error.cause, 'guard_failed') : this.failed(error, 'failed');
    }
  }

  private async authenticAnswer({ body, token }: BackendCall, backend: Backend): Promise<BackendReply> {
    const room = await addressRoom(this.parts, backend, token);
    const request = decodeBackendRequest(body);
    return request.ok ? this.parts.requests.carryOut(room, request.value) : request.error;
  }

  /** Whose secret signed it. A wrong guess is counted before its answer, a right one is not told when it is one too many. */
  private async signer(
    { body, address }: BackendCall,
    signature: Signature,
  ): Promise<Backend | 'not_authentic' | 'blocked'> {
    const { throttle, backends } = this.parts;
    const named = signature.backendUrl === undefined ? undefined : await this.named(signature.backendUrl);
    const suspect = { address, backendId: named?.id };
    const isBlocked = () => throttle.isBlocked('BackendRoomAuth', suspect).catch(guardFailed);
    // Trying every secret is work, so it is not begun for who is blocked anyway.
    const isOld = signature.backendUrl === undefined;
    if (isOld && (await isBlocked())) return 'blocked';
    const backend = signerOf(signature, body, isOld ? await backends.list() : [named ?? []].flat());
    if (backend !== undefined) return (await isBlocked()) ? 'blocked' : backend;
    const outcome = await throttle.failed('BackendRoomAuth', suspect).catch(guardFailed);
    return outcome === 'blocked' ? 'blocked' : 'not_authentic';
  }

  private async named(url: string): Promise<Backend | null> {
    const base = normalizeBackendUrl(url);
    return base === undefined ? null : this.parts.backends.byUrl(base);
  }

  private failed(error: unknown, refusal: 'guard_failed' | 'failed'): BackendReply {
    const { errors, logger } = this.parts;
    if (isDomainError(error))
      logger.warn({ code: error.code, refusal }, 'a request of a backend could not be carried out');
    else errors.report(error, { during: 'backend request' });
    return refuse(refusal);
  }
}
