/** What the receivers are told to do. */
export type ReceiverOrder =
  /** Opens so many endpoints more; answered with their URLs. */
  | { readonly kind: 'open'; readonly count: number; readonly answerAfterMs: number; readonly webhookKey: string }
  /** From now on this endpoint holds what it is sent for so long, or answers at once again, also what it holds. */
  | { readonly kind: 'hang'; readonly endpoint: number; readonly forMs: number }
  | { readonly kind: 'count' }
  /** Hands over what arrived since the last time. */
  | { readonly kind: 'take' };

export interface ReceiverResult {
  readonly urls?: readonly string[];
  /** 2xx answers to deliveries so far. */
  readonly count?: number;
  readonly arrivals?: readonly Arrival[];
}

/** A delivery that was answered 2xx. */
export interface Arrival {
  readonly endpoint: number;
  readonly eventId: string;
  readonly deliveryId: string;
  /** When the answer was written, in milliseconds of the machine's monotonic clock. */
  readonly atMs: number;
}
