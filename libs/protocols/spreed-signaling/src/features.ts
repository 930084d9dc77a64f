/** Versions of the protocol a hello may name. */
export const PROTOCOL_VERSIONS = ['1.0', '2.0'] as const;
export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];

/** How this protocol is called inside: the `dialect` of messages its clients write. */
export const DIALECT = 'spreed-signaling';

/** A client that announces this gets a `seq` per delivered frame and may resume with `lastSeq` (PROTOCOL.md). */
export const MESSAGE_SEQ = 'message-seq';

/** Permission lists of backends count. */
const PERMISSIONS = 'audio-video-permissions';

/** Internal clients may speak for others. */
const VIRTUAL_SESSIONS = 'virtual-sessions';

/** What is announced to clients: only what works. Sorted, without repetition. */
export const CLIENT_FEATURES = [
  PERMISSIONS,
  'chat-relay',
  'dialout',
  'federation',
  'hello-v2',
  'incall-all',
  'join-features',
  MESSAGE_SEQ,
  'recipient-call',
  'serverinfo',
  'switchto',
  'transient-data',
  'transient-sessiondata',
  'welcome',
] as const;

/** What internal clients are told: nothing about permissions, which do not bind them, but whom they may speak for. */
export function internalFeatures(features: readonly string[]): readonly string[] {
  return [...features.filter((feature) => feature !== PERMISSIONS), VIRTUAL_SESSIONS].sort();
}

/** What everybody is told before the hello: the features of clients and of internal clients. */
export function welcomeFeatures(features: readonly string[]): readonly string[] {
  return [...features, VIRTUAL_SESSIONS].sort();
}

/** Limits of this protocol. */
export const LIMITS = {
  /** Longest frame, in bytes of UTF-8. */
  maxFrameBytes: 65_536,
  /** Longest resume id, client feature, `lastSeq`, session or user id, in characters. */
  maxIdLength: 1_024,
  /** Longest token for another cluster, in characters: it has to be kept. */
  maxTokenLength: 8_192,
  maxFeatures: 64,
  /** Deepest nesting of objects and arrays in a frame. */
  maxDepth: 64,
} as const;

/** Times of this protocol, in milliseconds (briefs: hello 2 s, guest join 10 s). */
export interface ProtocolTimes {
  readonly helloMs: number;
  readonly guestJoinMs: number;
}

export const PROTOCOL_TIMES: ProtocolTimes = { helloMs: 2_000, guestJoinMs: 10_000 };
