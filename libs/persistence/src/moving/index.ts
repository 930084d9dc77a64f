import type { Clock } from '@parley/domain';
import { AccountCopies, type LagReport } from '../admin/account-copies';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import { withReadableErrors } from '../prisma-errors';
import { Arrivals } from './arrivals';
import type { RoomCloser } from './freezing';
import { DomainMoves } from './moves';
import type { NewHome, OtherRegions } from './port';

export type { MovePhase, MovePlan, MoveStatus, NewHome, OtherRegions, RowCounts } from './port';
export type { DomainMoves, MoveWish } from './moves';
export type { RoomCloser } from './freezing';
export type { Row } from './tables';

/** What regions give each other: copies of accounts, and domains that move. */
export interface Moving {
  readonly accounts: AccountCopies;
  readonly moves: DomainMoves;
  /** What other regions ask of this one. */
  readonly arrivals: NewHome;
}

export interface MovingParts {
  readonly others: OtherRegions;
  readonly closeRooms: RoomCloser;
  readonly onLag: LagReport;
  readonly clock: Clock;
}

/** Outages are thrown as DomainError unavailable, refusals as AdminError. */
export function createMoving(database: Database, directory: DirectoryStore, parts: MovingParts): Moving {
  const { others, closeRooms, onLag, clock } = parts;
  const accounts = withReadableErrors(new AccountCopies(database, directory, others, onLag));
  return {
    accounts,
    moves: withReadableErrors(new DomainMoves(database, directory, others, accounts, closeRooms, clock)),
    arrivals: withReadableErrors(new Arrivals(database, directory)),
  };
}
