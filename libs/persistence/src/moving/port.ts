import type { DomainName, RegionId } from '@parley/domain';
import type { AccountCopy } from '../admin/account-copies';
import type { Row } from './tables';

/** How many rows a domain has in each table. */
export type RowCounts = Readonly<Record<string, number>>;

/**
 * The region that a domain moves to, as the one it leaves sees it. Every call may be repeated. What writes says as of which
 * step of the move it does (`asOf`, which rises with every step): what comes late, after a later step announced the domain
 * anew, is refused with AdminError taken.
 */
export interface NewHome {
  /** What of the domain's is taken there already, e.g. `Backend nc`; rows of an earlier, unfinished move are not meant. */
  conflicts(domain: DomainName, ids: Readonly<Record<string, readonly string[]>>): Promise<readonly string[]>;
  /** Announces the domain: makes its row, frozen, and forgets what an earlier, unfinished move left. */
  prepare(domain: DomainName, row: Row, asOf: Date): Promise<void>;
  /** Takes rows with their secrets in the clear; those it has stay as they are. */
  put(domain: DomainName, table: string, rows: readonly Row[], asOf: Date): Promise<void>;
  counts(domain: DomainName): Promise<RowCounts>;
  /** From now on it is the domain's home. It looks into the directory whether that is so. */
  activate(domain: DomainName, epoch: number): Promise<void>;
  /** Forgets what it was sent. */
  abandon(domain: DomainName, asOf: Date): Promise<void>;
}

/** Other regions, reached over the signed internal way. Refuses with DomainError unavailable when one does not answer. */
export interface OtherRegions {
  newHome(region: RegionId): Promise<NewHome>;
  /** @returns the version that the region has now */
  giveAccount(region: RegionId, account: AccountCopy): Promise<number>;
}

export type MovePhase = 'freezing' | 'copying' | 'switching' | 'deleting' | 'done';

/** How far a move is. */
export interface MoveStatus {
  readonly domain: DomainName;
  readonly to: RegionId;
  readonly phase: MovePhase;
  /** The table that is being copied. */
  readonly table: string | null;
  readonly rowsDone: number;
  readonly rowsTotal: number;
  /** What is waited for; null: nothing. */
  readonly waitingFor: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

/** What a move would do. */
export interface MovePlan {
  readonly domain: DomainName;
  readonly from: RegionId;
  readonly to: RegionId;
  readonly rows: RowCounts;
  readonly openRooms: number;
  /** Why it would be refused or fail; empty: it can begin. */
  readonly obstacles: readonly string[];
}
