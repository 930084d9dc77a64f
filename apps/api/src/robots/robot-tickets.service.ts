import type { RobotTicket } from '@parley/contracts';
import {
  type Clock,
  connectKeyHash,
  DomainError,
  type IdSource,
  type RegionId,
  type RobotId,
  type RobotStore,
  TICKET_SECONDS,
} from '@parley/domain';
import type { LiveGuards } from '@parley/live';
import type { RobotTicketIssuer } from '@parley/server-kit';
import type { CallThrottle } from '../xroom/call-throttle';

export interface RobotTicketSettings {
  readonly region: RegionId;
  /** Names this Parley as the one whose tickets these are. */
  readonly authUrl: string;
  readonly signalingUrl: string;
}

export interface RobotTicketParts {
  readonly robots: Pick<RobotStore, 'byKey'>;
  readonly throttle: Pick<CallThrottle, 'assertFewFailures' | 'noteFailure'>;
  readonly guards: Pick<LiveGuards, 'hit'>;
  readonly tickets: RobotTicketIssuer;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly settings: RobotTicketSettings;
}

const MINUTE_MS = 60_000;
/** Most tickets of one robot in a minute: a robot that cannot stay connected should wait between its tries. */
export const TICKETS_PER_MINUTE = 120;
const TICKET_ID_BYTES = 16;
const KEY = /^Bearer +(rk_[0-9a-f]{64})$/i;

/** Hands out tickets to robots that show their connect key. Whoever guesses is soon not listened to. */
export class RobotTicketService {
  constructor(private readonly parts: RobotTicketParts) {}

  /**
   * @param authorization the header
   * @param address who asks
   * @throws DomainError unauthenticated, whatever of id and key is wrong; rate_limited, unavailable
   */
  async issue(id: RobotId, authorization: string | undefined, address: string): Promise<RobotTicket> {
    const { robots, throttle, tickets, ids, clock, settings } = this.parts;
    await throttle.assertFewFailures(address);
    const key = KEY.exec(authorization ?? '')?.[1];
    const robot = key === undefined ? null : await robots.byKey(id, connectKeyHash(key));
    if (robot === null) {
      await throttle.noteFailure(address);
      throw new DomainError('unauthenticated', "Send the robot's connect key as bearer token.");
    }
    await this.countTicket(id);
    const { domain, keyMark } = robot;
    const now = clock.now();
    const claims = { id: `rt_${ids.random(TICKET_ID_BYTES)}`, region: settings.region, robot: id, domain, keyMark };
    return {
      ticket: await tickets.issue(claims, now),
      authUrl: settings.authUrl,
      url: settings.signalingUrl,
      // The ticket counts in whole seconds.
      expiresAt: new Date((Math.floor(now.getTime() / 1_000) + TICKET_SECONDS) * 1_000).toISOString(),
    };
  }

  private async countTicket(id: RobotId): Promise<void> {
    const { count, resetsInMs } = await this.parts.guards.hit(`robots:tickets:${id}`, MINUTE_MS);
    if (count <= TICKETS_PER_MINUTE) return;
    throw new DomainError('rate_limited', 'This robot asks for too many tickets; let it wait between its tries.', {
      retryAfterSeconds: Math.max(1, Math.ceil(resetsInMs / 1_000)),
    });
  }
}
