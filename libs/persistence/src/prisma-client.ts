import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient, type Prisma } from './generated/client';

/** What stores work with: the client itself or a transaction of it. */
export type Connection = Prisma.TransactionClient;

const DEFAULT_POOL_SIZE = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const HEALTH_TIMEOUT_MS = 2_000;

/** A client on its own pool. Nothing is connected before the first query. */
export function openPrisma(url: string, poolSize = DEFAULT_POOL_SIZE): PrismaClient {
  const adapter = new PrismaPg(
    { connectionString: inUtc(url), max: poolSize, connectionTimeoutMillis: CONNECT_TIMEOUT_MS },
    // An idle connection that breaks is replaced by the pool; the query that needs one reports what is wrong.
    { onPoolError: () => undefined, onConnectionError: () => undefined },
  );
  return new PrismaClient({ adapter });
}

/** The adapter writes times without a zone and means UTC, so a server in another zone would shift every one of them. */
function inUtc(url: string): string {
  const parsed = new URL(url);
  const options = parsed.searchParams.get('options');
  parsed.searchParams.set('options', `${options ?? ''} -c TimeZone=UTC`.trim());
  return parsed.toString();
}

/** Whether the database answers within two seconds. */
export async function answers(prisma: PrismaClient): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), HEALTH_TIMEOUT_MS);
  });
  const asked = prisma.$queryRaw`SELECT 1`.then(
    () => true,
    () => false,
  );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
