import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import type { IdSource } from '../kernel/id-source';
import type { AccountId, DomainName, RobotId } from '../kernel/ids';
import type { Stores, UnitOfWork } from '../kernel/unit-of-work';
import { ownDomain, ownerOf } from '../tenancy/own-domain';
import type { Robot } from './robot';
import { connectKeyHash, newConnectKey } from './robot-key';

/** Most robots of a domain. */
export const ROBOTS_PER_DOMAIN = 100;

/** Longest name of a robot, in characters. */
export const ROBOT_NAME_MAX = 100;

/** A robot and its connect key, which is told this once. */
export interface NewRobot {
  readonly robot: Robot;
  readonly connectKey: string;
}

/** The automatons of an account. A tenant reaches only those of its own domains. */
export class RobotService {
  /** @param changed tells the gateways that a robot was removed or has another key; must not throw */
  constructor(
    private readonly uow: UnitOfWork,
    private readonly clock: Clock,
    private readonly ids: IdSource,
    private readonly changed: () => void,
  ) {}

  /** @throws DomainError domain_not_found, invalid_input, not_allowed when the domain has too many */
  async create(account: AccountId, { domain, name }: { domain: DomainName; name: string }): Promise<NewRobot> {
    const trimmed = name.trim();
    if (trimmed === '' || trimmed.length > ROBOT_NAME_MAX || /\p{Cc}/u.test(trimmed)) {
      throw new DomainError('invalid_input', `A robot's name has 1 to ${ROBOT_NAME_MAX} printable characters.`);
    }
    const connectKey = newConnectKey(this.ids);
    const robot = await this.uow.run(async (stores) => {
      await ownDomain(stores, account, domain);
      const inserted = await stores.robots.insert(
        { domain, name: trimmed },
        connectKeyHash(connectKey),
        this.clock.now(),
      );
      // Counted afterwards: giving out ids lets one addition in after the other, so none goes uncounted.
      if ((await stores.robots.list([domain])).length > ROBOTS_PER_DOMAIN) throw tooMany();
      return inserted;
    });
    return { robot, connectKey };
  }

  /**
   * The robots of one domain, or of all domains of the account in this region; oldest first.
   * @throws DomainError domain_not_found
   */
  async list(account: AccountId, domain?: DomainName): Promise<readonly Robot[]> {
    return this.uow.run(async (stores) => {
      if (domain !== undefined) await ownDomain(stores, account, domain);
      const domains = domain === undefined ? await stores.tenancy.domainsOf(account) : [{ name: domain }];
      return stores.robots.list(domains.map(({ name }) => name));
    });
  }

  /** @throws DomainError robot_not_found, also when it is somebody else's */
  async get(account: AccountId, id: RobotId): Promise<Robot> {
    return this.uow.run((stores) => ownRobot(stores, account, id));
  }

  /**
   * Removes it with its webhooks; its sessions end within a second or so.
   * @throws DomainError robot_not_found, also when it is somebody else's
   */
  async remove(account: AccountId, id: RobotId): Promise<void> {
    await this.uow.run(async (stores) => {
      await ownRobot(stores, account, id);
      if (!(await stores.robots.remove(id, this.clock.now()))) throw robotNotFound();
    });
    this.changed();
  }

  /**
   * Gives it another connect key. The one of before, tickets it got and sessions opened with those are void.
   * @throws DomainError robot_not_found, also when it is somebody else's
   */
  async replaceKey(account: AccountId, id: RobotId): Promise<NewRobot> {
    const connectKey = newConnectKey(this.ids);
    const robot = await this.uow.run(async (stores) => {
      const own = await ownRobot(stores, account, id);
      if (!(await stores.robots.replaceKey(id, connectKeyHash(connectKey)))) throw robotNotFound();
      return own;
    });
    this.changed();
    return { robot, connectKey };
  }
}

/**
 * A robot, if it is of one of the account's domains.
 * @throws DomainError robot_not_found, the same for one that does not exist and one of another tenant; wrong_region
 */
export async function ownRobot(stores: Stores, account: AccountId, id: RobotId): Promise<Robot> {
  const robot = await stores.robots.find(id);
  if (!robot || !(await ownerOf(stores.tenancy, account, robot.domain))) throw robotNotFound();
  return robot;
}

function robotNotFound(): DomainError {
  return new DomainError('robot_not_found', 'There is no robot with this id; POST /v1/robots makes one.');
}

function tooMany(): DomainError {
  return new DomainError(
    'not_allowed',
    `A domain has at most ${ROBOTS_PER_DOMAIN} robots; remove one before you add another.`,
  );
}
