import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient, type Prisma } from './generated/client';

/** What stores work with: the client itself or a transaction of it. */
export type Connection = Prisma.TransactionClient;

const DEFAULT_POOL_SIZE = 10;
const CONNECT_TIMEOUT_MS = 5_000;
/** The pool's own ten seconds are shorter than what most work pauses: each query would come with a new connection. */
const IDLE_TIMEOUT_MS = 300_000;
const HEALTH_TIMEOUT_MS = 2_000;
/** Where a transaction says nothing else. Prisma's own two and five seconds are little while there is much to do. */
const TRANSACTIONS = { maxWait: 10_000, timeout: 15_000 };

/**
 * A client on its own pool. Nothing is connected before the first query.
 * @param statementMs what takes longer is cancelled, also when nobody waits for it any more
 */
export function openPrisma(url: string, poolSize = DEFAULT_POOL_SIZE, statementMs?: number): PrismaClient {
  const settings = ['TimeZone=UTC', ...(statementMs === undefined ? [] : [`statement_timeout=${statementMs}`])];
  const adapter = new PrismaPg(
    {
      connectionString: withSettings(url, settings),
      max: poolSize,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      // Balancers forget connections that say nothing.
      keepAlive: true,
    },
    // An idle connection that breaks is replaced by the pool; the query that needs one reports what is wrong.
    { onPoolError: () => undefined, onConnectionError: () => undefined },
  );
  return new PrismaClient({ adapter, transactionOptions: TRANSACTIONS });
}

/**
 * The adapter writes times without a zone and means UTC, so a server in another zone would shift every one of them: a
 * connection says its zone, and what else it needs.
 */
function withSettings(url: string, settings: readonly string[]): string {
  const parsed = new URL(url);
  const options = [parsed.searchParams.get('options') ?? '', ...settings.map((setting) => `-c ${setting}`)];
  parsed.searchParams.set('options', options.join(' ').trim());
  return parsed.toString();
}

/** Whether the database answers within two seconds. */
export async function answers(prisma: PrismaClient): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    // A process that stood still reads what has arrived first (decision 29).
    timer = setTimeout(() => setImmediate(() => resolve(false)), HEALTH_TIMEOUT_MS);
  });
  const asked = prisma.$queryRaw`SELECT 1`.then(
    () => true,
    () => false,
  );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
