import { randomBytes } from 'node:crypto';
import type { SessionId } from '@parley/domain';
import {
  cloudOf,
  localError,
  normalizeBackendUrl,
  remoteError,
  FederationNames,
  type FederationFacts,
  type FederationTarget,
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

/** A request of a client to enter a room of another cluster. */
export interface FederateRequest {
  readonly id: string | undefined;
  readonly roomId: string;
  readonly foreignSessionId: string | undefined;
  readonly target: FederationTarget;
}

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
  /**
   * Hands the client a frame.
   * @param mark its place in what the other cluster sends
   * @returns false: the session is gone
   */
  deliver(frame: string, mark: string | undefined): Promise<boolean>;
  /** Keeps what another replica needs to go on; undefined: nothing is left to go on with. */
  keep(state: FederationState | undefined): Promise<void>;
  /** Keeps how far it got, if the session is still held here; otherwise that is of no use. */
  note(state: FederationState): Promise<void>;
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

/** The room a client asks for, at the socket of its cluster. */
export function entryOf({ id, roomId, foreignSessionId, target }: FederateRequest, socketUrl: string): FederationEntry {
  const { url, token, roomId: remote } = target;
  return { id, socketUrl, url, token, room: { local: roomId, remote }, foreignSessionId };
}

/** What another replica needs to go on with a session that is in this room. */
export function stateOf(
  { socketUrl, url, token, room, foreignSessionId }: FederationEntry,
  { sessionId, resumeId }: RemoteSession,
  lastSeq: string | undefined,
): FederationState {
  const names = { localRoom: room.local, remoteRoom: room.remote };
  return { socketUrl, url, token, foreignSessionId, ...names, remoteSessionId: sessionId, resumeId, lastSeq };
}

/** The room and the session such a state tells of. */
export function placeOf(state: FederationState): { entry: FederationEntry; remote: RemoteSession } {
  const { socketUrl, url, token, localRoom, remoteRoom, foreignSessionId, remoteSessionId, resumeId } = state;
  const room = { local: localRoom, remote: remoteRoom };
  return {
    entry: { id: undefined, socketUrl, url, token, room, foreignSessionId },
    remote: { sessionId: remoteSessionId, resumeId },
  };
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

/** @param entries the room that is just being entered, and the one it is in */
export function namesIn(
  home: Pick<LinkHome, 'session' | 'backendUrl'>,
  entries: readonly (FederationEntry | undefined)[],
  remote: RemoteSession | undefined,
): FederationNames {
  const known = entries.flatMap((entry) => (entry === undefined ? [] : [entry]));
  return new FederationNames({
    session: { local: home.session, remote: remote?.sessionId ?? '' },
    rooms: known.map(({ room }) => room),
    ...cloudsAt(home.backendUrl, known[0]?.url ?? ''),
  });
}

/** How people of the backends at these URLs are called elsewhere, and where those of the other side are at home. */
function cloudsAt(local: string, remote: string): Pick<FederationFacts, 'cloud' | 'remoteServer'> {
  const [near = local, far = remote] = [normalizeBackendUrl(local), normalizeBackendUrl(remote)];
  return { cloud: { local: cloudOf(near), remote: cloudOf(far) }, remoteServer: far.replace(/\/+$/, '') };
}
