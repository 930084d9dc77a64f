import type { IceServer, JoinAnswer, JoinRequest } from '@parley/contracts';
import {
  type Clock,
  DomainError,
  type EntryService,
  isDomainError,
  parseRoomPath,
  type RegionId,
  roomPath,
} from '@parley/domain';
import type { LiveGuards } from '@parley/live';
import { peerTypeCode } from '@parley/protocol-xroom';
import { throttleKey, type TicketIssuer } from '@parley/server-kit';
import { Turns } from './turns';

export interface JoinSettings {
  readonly region: RegionId;
  /** Names this Parley as the one whose tickets these are. */
  readonly authUrl: string;
  readonly signalingUrl: string;
  readonly iceServers: readonly IceServer[];
  readonly perMinute: { readonly address: number; readonly room: number };
}

const MINUTE_MS = 60_000;

/** Wrong passwords and host keys are counted per address and room this long after the first one. */
const WRONG_WINDOW_MS = 15 * MINUTE_MS;
/** This many wrong tries cost nothing but the try. */
const FREE_TRIES = 3;
const LONGEST_PAUSE_MS = 5 * MINUTE_MS;

/** How long an address has to wait after its nth wrong try at a room, in milliseconds: 1 s, 2 s, 4 s, ... 5 min. */
export function pauseAfter(wrongTries: number): number {
  if (wrongTries < FREE_TRIES) return 0;
  return Math.min(1_000 * 2 ** Math.min(wrongTries - FREE_TRIES, 20), LONGEST_PAUSE_MS);
}

/** Hands out join tickets: throttled per address and room, slower and slower for those who guess. */
export class JoinService {
  private readonly turns = new Turns();

  constructor(
    private readonly entry: Pick<EntryService, 'admit'>,
    private readonly guards: Pick<LiveGuards, 'hit' | 'hits'>,
    private readonly tickets: TicketIssuer,
    private readonly clock: Clock,
    private readonly settings: JoinSettings,
  ) {}

  /**
   * @param address who asks
   * @throws DomainError as {@link EntryService.admit}, rate_limited, unavailable
   */
  async join(request: JoinRequest, address: string): Promise<JoinAnswer> {
    const path = parseRoomPath(request.room);
    if (!path.ok) throw new DomainError('invalid_input', path.error);
    const room = roomPath(path.value);
    const from = throttleKey(address);
    await this.throttle(`join:from:${from}`, this.settings.perMinute.address);
    await this.throttle(`join:to:${room}`, this.settings.perMinute.room);
    const guesses = request.password !== undefined || request.hostKey !== undefined;
    const {
      claims,
      room: opened,
      role,
    } = guesses ? await this.admitGuesser(request, path.value, { from, room }) : await this.admit(request, path.value);
    return {
      ticket: await this.tickets.issue(claims, this.clock.now()),
      authUrl: this.settings.authUrl,
      signalingUrl: this.settings.signalingUrl,
      iceServers: [...this.settings.iceServers],
      roomId: room,
      peerType: peerTypeCode(opened.policy.type, role),
    };
  }

  private admit({ displayName, password, hostKey }: JoinRequest, path: RoomPath) {
    return this.entry.admit({
      ...path,
      region: this.settings.region,
      ...(displayName === undefined ? {} : { displayName }),
      ...(password === undefined ? {} : { password }),
      ...(hostKey === undefined ? {} : { hostKey }),
    });
  }

  /** One guess after the other: of many at once each would find that there is no pause yet. */
  private admitGuesser(request: JoinRequest, path: RoomPath, guess: Guess) {
    return this.turns.take(`${guess.from} ${guess.room}`, async () => {
      await this.assertNoPause(guess.from, guess.room);
      try {
        return await this.admit(request, path);
      } catch (error) {
        const wrong = isDomainError(error, 'wrong_password') || isDomainError(error, 'wrong_host_key');
        if (wrong) await this.countWrong(guess);
        throw error;
      }
    });
  }

  private async throttle(scope: string, limit: number): Promise<void> {
    const { count, resetsInMs } = await this.guards.hit(scope, MINUTE_MS);
    if (count > limit) throw tooMany('Too many people ask to join from here or into this room.', resetsInMs);
  }

  private async assertNoPause(from: string, room: string): Promise<void> {
    const { count, resetsInMs } = await this.guards.hits(pauseScope(from, room));
    if (count > 0) throw tooMany('Too many wrong passwords or host keys; wait before the next try.', resetsInMs);
  }

  private async countWrong({ from, room }: Guess): Promise<void> {
    const { count } = await this.guards.hit(`join:wrong:${from}:${room}`, WRONG_WINDOW_MS);
    const pauseMs = pauseAfter(count);
    // A fixed window that lasts as long as the pause: while it has a hit, there is a pause.
    if (pauseMs > 0) await this.guards.hit(pauseScope(from, room), pauseMs);
  }
}

type RoomPath = Pick<Parameters<EntryService['admit']>[0], 'domain' | 'name'>;

interface Guess {
  readonly from: string;
  readonly room: string;
}

const pauseScope = (from: string, room: string) => `join:pause:${from}:${room}`;

function tooMany(message: string, resetsInMs: number): DomainError {
  return new DomainError('rate_limited', message, { retryAfterSeconds: Math.max(1, Math.ceil(resetsInMs / 1_000)) });
}
