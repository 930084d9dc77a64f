import type { JsonValue, TenantKey } from '@parley/domain';
import type { Backend } from '@parley/persistence';
import { dialoutError, type BackendReply } from '@parley/protocol-spreed-signaling';

/** A call that a backend wants to be made; number and room are checked. */
export interface DialoutRequest {
  readonly backend: Backend;
  readonly tenant: TenantKey;
  /** The room as the backend names it. */
  readonly roomId: string;
  /** E.164. */
  readonly number: string;
  /** For whoever makes the call; handed on as it is. */
  readonly options: JsonValue | undefined;
}

/** Lets a bridge of the backend make calls. */
export interface Dialout {
  /** Resolves once a bridge took the call, all of them refused, or none answered in time. */
  start(request: DialoutRequest): Promise<BackendReply>;
}

/** Where no bridge can be reached. */
export const NO_DIALOUT: Dialout = {
  start: async () => dialoutError(404, 'no_client_available', 'No client is connected that could make the call.'),
};
