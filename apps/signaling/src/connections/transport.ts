import type { Frame } from '@parley/protocol-spreed-signaling';

/** One socket, whatever carries it. */
export interface Transport {
  readonly kind: 'websocket' | 'socket.io';
  /** The client's address, for throttling. */
  readonly address: string;
  /**
   * Hands frames over, to go together. `flushed` is called once they have left this process, maybe before this returns;
   * never, when the connection breaks before.
   */
  send(frames: readonly Frame[], flushed: () => void): void;
  /** Stops reading, so that the sender is slowed down; `false` where that cannot be done. */
  pause(): boolean;
  resume(): void;
  /** Closes in good order: frames already handed over still go out. */
  close(code: number): void;
  /** Ends it at once. */
  terminate(): void;
}

/** Who listens to a socket. */
export interface TransportEvents {
  text(frame: string): void;
  binary(): void;
  /** The client answered a ping after so long, in milliseconds. */
  answered?(roundTripMs: number): void;
  /** Called once. */
  closed(): void;
}
