import { randomBytes } from 'node:crypto';
import type { SessionId } from '@parley/domain';
import {
  cloudOf,
  localError,
  normalizeBackendUrl,
  remoteError,
  type FederationNames,
  type RemoteFrame,
  type RoomNames,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import type { ReachRules } from '../spreed/backend-agent';
import type { FederationState } from './federation-state';
import type { RemoteSession } from './remote-connection';

/** Times of connections to other clusters, in milliseconds. */
export interface FederationTimes {
  /** For reaching the other side, and for each of its answers. */
  readonly timeoutMs: number;
  readonly firstRetryMs: number;
  readonly lastRetryMs: number;
}

export const FEDERATION_TIMES: FederationTimes = { timeoutMs: 10_000, firstRetryMs: 100, lastRetryMs: 8_000 };

/** The session's side of a link. */
export interface LinkHome {
  readonly session: SessionId;
  /** What its client announced. */
  readonly features: readonly string[];
  /** Base URL of its own backend. */
  readonly backendUrl: string;
  readonly rules: ReachRules;
  readonly headers: Readonly<Record<string, string>>;
  readonly times: FederationTimes;
  /** Hands the client a frame. False: the session is gone. */
  deliver(frame: string): Promise<boolean>;
  /** Keeps what another replica needs to go on; undefined: nothing is left to go on with. */
  keep(state: FederationState | undefined): Promise<void>;
  failed(error: unknown): void;
  /** The link is over; `outside` when the session is in no room any more because of it. */
  ended(outside: boolean): void;
}

/** Into which room of another cluster. */
export interface FederationEntry {
  /** Of the client's request; its answer gets it. */
  readonly id: string | undefined;
  readonly socketUrl: string;
  readonly url: string;
  readonly token: string;
  readonly room: RoomNames;
  readonly foreignSessionId: string | undefined;
}

/** What another replica needs to go on with a session that is in this room. */
export function stateOf(
  { socketUrl, url, token, room, foreignSessionId }: FederationEntry,
  { sessionId, resumeId }: RemoteSession,
): FederationState {
  const names = { localRoom: room.local, remoteRoom: room.remote };
  return { socketUrl, url, token, foreignSessionId, ...names, remoteSessionId: sessionId, resumeId };
}

/** A refusal by the other cluster in the words of this side. */
export function localErrorOf(frame: RemoteFrame, names: FederationNames): WireError {
  const error = remoteError(frame);
  if (error.details === undefined) return error;
  const details = localError({ details: error.details }, names).details as WireError['details'];
  return details === undefined ? error : { ...error, details };
}

/** An id for a request of our own; it must not meet those of the client. */
export function newId(): string {
  return `federation-${randomBytes(12).toString('hex')}`;
}

/** How the users of the backend at this URL are called elsewhere. */
export function cloudAt(url: string): string {
  return cloudOf(normalizeBackendUrl(url) ?? url);
}
