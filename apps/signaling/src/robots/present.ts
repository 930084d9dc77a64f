import type { DeliveryId, RobotId } from '@parley/domain';
import type { OwnedSession } from '@parley/live';

/** A session of a robot that is connected here. */
export interface Present {
  readonly session: OwnedSession;
  readonly robot: RobotId;
  readonly keyMark: string;
  /** What it was handed here and has not acknowledged, with the time of this process when that was. */
  readonly awaited: Map<DeliveryId, number>;
  /** It let the time of a delivery pass: it gets one at a time until it acknowledges again. */
  silent: boolean;
  /** When it came or acknowledged something last, by the time of this process. */
  heardAt: number;
  /** When all that was handed to its robot before it came is acknowledged or has lapsed; undefined: that time is over. */
  settledAt: number | undefined;
}
