/** What the bench tells the load process to do, one order at a time, and what it answers. */
export type Order =
  | {
      readonly kind: 'connect';
      readonly servers: readonly string[];
      readonly backendUrl: string;
      readonly count: number;
    }
  /** Puts all connected clients into rooms of this size, spread over the servers. */
  | { readonly kind: 'join'; readonly roomSize: number }
  /** Closes the clients that were connected last. */
  | { readonly kind: 'disconnect'; readonly count: number }
  | { readonly kind: 'start'; readonly load: Load }
  /** Forgets what was counted so far. */
  | { readonly kind: 'mark' }
  /** Answers what was counted since the mark; the load goes on. */
  | { readonly kind: 'read' }
  /** Sends nothing more and waits until all is delivered. */
  | { readonly kind: 'stop' };

/** To whom, and how much: a window keeps so many messages per sender on their way, a rate sends so many per second. */
export type Load = { readonly scenario: Scenario; readonly payloadBytes: number } & (
  { readonly window: number } | { readonly perSecond: number }
);

export type Scenario = 'session' | 'room';

/** Deliveries and how long they took, from the sender's `send` to the receiver's frame, in milliseconds. */
export interface Counted {
  readonly deliveries: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

export type Answer =
  | { readonly ok: true; readonly counted?: Counted; readonly undelivered?: number }
  | { readonly ok: false; readonly error: string };

/** The first thing the load process says. */
export interface Ready {
  readonly backendUrl: string;
}
