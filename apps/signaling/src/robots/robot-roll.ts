import {
  brandAs,
  fail,
  ok,
  type Clock,
  type RegionId,
  type Result,
  type RobotStore,
  type TenantKey,
} from '@parley/domain';
import type { LiveGuards } from '@parley/live';
import { wireError, type WireError } from '@parley/protocol-spreed-signaling';
import type { RobotTicketVerifier, TicketFailure } from '@parley/server-kit';
import type { Authenticated, EntryRight } from '../spreed/entry-right';
import type { Signpost } from '../spreed/signpost';

/** Used tickets are remembered longer than any ticket lives. */
const TICKET_MEMORY_MS = 5 * 60_000;

/** Most sessions of one robot on all replicas, those that wait to be resumed included. */
export const SESSIONS_PER_ROBOT = 100;

export type RobotRight = Extract<EntryRight, { kind: 'robot' }>;

export interface RobotRollParts {
  readonly region: RegionId;
  readonly signpost: Pick<Signpost, 'to'>;
  readonly tickets: RobotTicketVerifier;
  readonly robots: Pick<RobotStore, 'keyMarks'>;
  readonly guards: Pick<LiveGuards, 'once'>;
  readonly clock: Clock;
}

/** Which robots there are, and who proves to be one. */
export class RobotRoll {
  readonly keyMarks: RobotStore['keyMarks'];

  constructor(private readonly parts: RobotRollParts) {
    this.keyMarks = (ids) => parts.robots.keyMarks(ids);
  }

  /**
   * Whoever shows a robot's ticket.
   * @returns a {@link TicketFailure} when it is no such ticket, or not any more
   * @throws when a store does not answer
   */
  async admit(token: string): Promise<Result<Result<Authenticated, WireError>, TicketFailure>> {
    const { tickets, clock, region, guards, signpost } = this.parts;
    const verified = await tickets.verify(token, clock.now());
    if (!verified.ok) return verified;
    const { id, robot, domain, keyMark } = verified.value;
    if (verified.value.region !== region) {
      return ok(fail(signpost.to(verified.value.region, 'The robot is in another region.')));
    }
    const right = { kind: 'robot' as const, robot, domain, keyMark };
    if (!(await this.isOn(right))) return ok(fail(wireError('invalid_token')));
    // Of its own: nobody else is of this tenant, so nobody reaches it.
    if ((await guards.once('robot-ticket', id, TICKET_MEMORY_MS)) !== true) return ok(fail(wireError('invalid_token')));
    const tenant = brandAs<TenantKey>(`robot:${robot}`);
    return ok(ok({ identity: { kind: 'robot', userId: '' }, tenant, right, sessionLimit: SESSIONS_PER_ROBOT }));
  }

  /** Whether the robot is there and its key is still the one this right was given for. */
  async isOn({ robot, keyMark }: RobotRight): Promise<boolean> {
    return (await this.keyMarks([robot])).get(robot) === keyMark;
  }
}
