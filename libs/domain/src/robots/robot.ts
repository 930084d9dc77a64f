import type { DomainName, RegionId, RobotId } from '../kernel/ids';

/** An automaton of an account: connected to a gateway, it is handed what webhooks of type `robot` listen to. */
export interface Robot {
  readonly id: RobotId;
  /** Its webhooks are webhooks of this domain. */
  readonly domain: DomainName;
  /** For people; need not be unique. */
  readonly name: string;
  readonly createdAt: Date;
}

/** A robot whose connect key is known to be right. */
export interface ProvenRobot extends Robot {
  /** As {@link RobotTicketClaims.keyMark}. */
  readonly keyMark: string;
}

export interface RobotStore {
  /** Gives it its id, which carries the region. `keyHash`: SHA-256 of its connect key, as hex. */
  insert(robot: Pick<Robot, 'domain' | 'name'>, keyHash: string, now: Date): Promise<Robot>;
  /** Not those that were removed. */
  find(id: RobotId): Promise<Robot | null>;
  /** Those of these domains, oldest first. */
  list(domains: readonly DomainName[]): Promise<readonly Robot[]>;
  /** Nobody removes it until the end of the transaction, if it is there. */
  hold(id: RobotId): Promise<void>;
  /** Takes its webhooks with it: nobody else could be handed what they listen to. */
  remove(id: RobotId, now: Date): Promise<boolean>;
  /** The key of before is void. False: there is no such robot. */
  replaceKey(id: RobotId, keyHash: string): Promise<boolean>;
  /** The robot with this id and key. Null also when its account is disabled. */
  byKey(id: RobotId, keyHash: string): Promise<ProvenRobot | null>;
  /** The marks of the keys that are right now. Robots that were removed, or whose account is disabled, are not in it. */
  keyMarks(ids: readonly RobotId[]): Promise<ReadonlyMap<RobotId, string>>;
}

/** What a robot's ticket says: the right to open one session of this robot once, soon. It opens no rooms. */
export interface RobotTicketClaims {
  /** Unique; accepted once. */
  readonly id: string;
  readonly region: RegionId;
  readonly robot: RobotId;
  readonly domain: DomainName;
  /** Of the connect key it was given for: another key makes the ticket, and sessions opened with it, void. */
  readonly keyMark: string;
}
