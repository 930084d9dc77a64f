/** Versions of the protocol a hello may name. */
export const PROTOCOL_VERSIONS = ['1.0', '2.0'] as const;
export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];

/** How this protocol is called inside: the `dialect` of messages its clients write. */
export const DIALECT = 'spreed-signaling';

/** A client that announces this gets a `seq` per delivered frame and may resume with `lastSeq` (PROTOCOL.md). */
export const MESSAGE_SEQ = 'message-seq';

/** What is announced to clients: only what works. Sorted, without repetition. */
export const CLIENT_FEATURES = [
  'chat-relay',
  'hello-v2',
  'incall-all',
  'join-features',
  MESSAGE_SEQ,
  'switchto',
  'welcome',
] as const;

/** Limits of this protocol. */
export const LIMITS = {
  /** Longest frame, in bytes of UTF-8. */
  maxFrameBytes: 65_536,
  /** Longest resume id, client feature, `lastSeq`, session or user id, in characters. */
  maxIdLength: 1_024,
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
