import {
  brandAs,
  keyMarkOf,
  numericId,
  type DomainName,
  type ProvenRobot,
  type Robot,
  type RobotId,
  type RobotStore,
} from '@parley/domain';
import type { RobotModel } from '../generated/models';
import type { Connection } from '../prisma-client';

/** Robots in PostgreSQL. A removed one stays as a row and is not found any more. */
export class PrismaRobotStore implements RobotStore {
  constructor(
    private readonly db: Connection,
    private readonly regionNumber: number,
  ) {}

  async insert({ domain, name }: Pick<Robot, 'domain' | 'name'>, keyHash: string, now: Date): Promise<Robot> {
    const row = await this.db.robot.create({
      data: { id: await this.nextId(), domainName: domain, name, connectKeyHash: keyHash, createdAt: now },
    });
    return toRobot(row);
  }

  async find(id: RobotId): Promise<Robot | null> {
    const row = isId(id) ? await this.db.robot.findFirst({ where: { id: BigInt(id), removedAt: null } }) : null;
    return row && toRobot(row);
  }

  async list(domains: readonly DomainName[]): Promise<readonly Robot[]> {
    const rows = await this.db.robot.findMany({
      where: { domainName: { in: [...domains] }, removedAt: null },
      orderBy: { id: 'asc' },
    });
    return rows.map(toRobot);
  }

  async hold(id: RobotId): Promise<void> {
    if (isId(id)) await this.db.$queryRaw`SELECT 1 FROM "Robot" WHERE id = ${id}::bigint FOR SHARE`;
  }

  async remove(id: RobotId, now: Date): Promise<boolean> {
    if (!isId(id)) return false;
    const { count } = await this.db.robot.updateMany({
      where: { id: BigInt(id), removedAt: null },
      data: { removedAt: now, connectKeyHash: null },
    });
    if (count === 0) return false;
    await this.db.webhook.updateMany({
      where: { type: 'robot', robotId: BigInt(id), removedAt: null },
      data: { removedAt: now },
    });
    return true;
  }

  async replaceKey(id: RobotId, keyHash: string): Promise<boolean> {
    if (!isId(id)) return false;
    const { count } = await this.db.robot.updateMany({
      where: { id: BigInt(id), removedAt: null },
      data: { connectKeyHash: keyHash },
    });
    return count === 1;
  }

  async byKey(id: RobotId, keyHash: string): Promise<ProvenRobot | null> {
    if (!isId(id)) return null;
    const row = await this.db.robot.findFirst({ where: { ...ALIVE, id: BigInt(id), connectKeyHash: keyHash } });
    return row && { ...toRobot(row), keyMark: keyMarkOf(keyHash) };
  }

  async keyMarks(ids: readonly RobotId[]): Promise<ReadonlyMap<RobotId, string>> {
    const rows = await this.db.robot.findMany({
      where: { ...ALIVE, id: { in: ids.filter(isId).map((id) => BigInt(id)) }, connectKeyHash: { not: null } },
      select: { id: true, connectKeyHash: true },
    });
    return new Map(
      rows.map(({ id, connectKeyHash }) => [brandAs<RobotId>(Number(id)), keyMarkOf(connectKeyHash ?? '')]),
    );
  }

  private async nextId(): Promise<bigint> {
    const counter = await this.db.counter.upsert({
      where: { name: 'robot' },
      create: { name: 'robot', value: 1n },
      update: { value: { increment: 1n } },
    });
    return BigInt(numericId(Number(counter.value), this.regionNumber));
  }
}

/** May connect. */
const ALIVE = { removedAt: null, domain: { account: { disabledAt: null } } } as const;

function isId(id: RobotId): boolean {
  return Number.isSafeInteger(id) && id >= 0;
}

function toRobot({ id, domainName, name, createdAt }: RobotModel): Robot {
  return { id: brandAs<RobotId>(Number(id)), domain: brandAs<DomainName>(domainName), name, createdAt };
}
