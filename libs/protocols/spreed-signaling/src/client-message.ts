import type { JsonValue } from '@parley/domain';
import type { InternalRequest } from './internal-request';
import type { ProtocolVersion } from './features';
import type { Position } from './seq';

/** Whom a message is for. */
export type Recipient =
  | { readonly type: 'session'; readonly sessionId: string }
  | { readonly type: 'user'; readonly userId: string }
  | { readonly type: 'room' }
  | { readonly type: 'call' };

/** A checked hello. */
export type HelloRequest = { readonly version: ProtocolVersion; readonly features: readonly string[] } & (
  | { readonly kind: 'resume'; readonly resumeId: string; readonly lastSeen: Position | undefined }
  /** 1.0: `params` go to the backend at `url` as they are. */
  | { readonly kind: 'backend'; readonly url: string; readonly params: JsonValue }
  /** 2.0: a signed token. */
  | { readonly kind: 'token'; readonly url: string; readonly token: string }
  /** A person of another cluster, whose gateway speaks for it. */
  | { readonly kind: 'federation'; readonly url: string; readonly proof: FederationProof }
  | { readonly kind: 'internal'; readonly backend: string; readonly random: string; readonly token: string }
);

/** 2.0: a signed token; 1.0: parameters that the backend of the room checks. */
export type FederationProof = { readonly token: string } | { readonly params: JsonValue };

/** Where a room of another cluster is, and by what right somebody may enter it. */
export interface FederationTarget {
  /** Base URL of the other cluster's signaling. */
  readonly signaling: string;
  /** URL of the backend the room belongs to. */
  readonly url: string;
  /** The room there. */
  readonly roomId: string;
  /** Hello 2.0 token for that cluster. */
  readonly token: string;
}

/** A change of the data a room keeps for its members (section "Transient data"). */
export type TransientRequest =
  | {
      readonly kind: 'set';
      readonly key: string;
      readonly value: JsonValue;
      /** Undefined: it stays. */
      readonly ttlMs: number | undefined;
    }
  | { readonly kind: 'remove'; readonly key: string }
  | { readonly kind: 'unknown' };

/** A checked frame of a client. `id` is echoed on the answer. */
export type ClientMessage = { readonly id: string | undefined } & (
  | { readonly type: 'hello'; readonly hello: HelloRequest }
  | { readonly type: 'bye' }
  | {
      readonly type: 'room';
      /** Empty: leave. */
      readonly roomId: string;
      readonly foreignSessionId: string | undefined;
      /** Asks for a room of another cluster. */
      readonly federation: FederationTarget | undefined;
    }
  | {
      readonly type: 'message' | 'control';
      readonly recipient: Recipient;
      /** `data` as the client wrote it. */
      readonly raw: string;
      /** `data.type`, when it has one. */
      readonly dataType: string | undefined;
    }
  /** Of an internal client; everybody else's are ignored. */
  | { readonly type: 'internal'; readonly request: InternalRequest }
  | { readonly type: 'transient'; readonly request: TransientRequest }
  /** Of a robot; everybody else's are ignored. */
  | { readonly type: 'ack'; readonly deliveryId: string }
  | { readonly type: 'unknown' }
);

/** Why a frame was not understood. `id` is there when the frame was JSON of the right shape (brief 2.1). */
export interface DecodeFailure {
  readonly code: 'invalid_format' | 'invalid_hello_version';
  readonly id: string | undefined;
  /** Whether it was meant as a hello: before the hello other types get `hello_expected`, even broken ones. */
  readonly type: string | undefined;
}
