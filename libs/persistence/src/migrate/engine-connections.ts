import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
  type SqlResultSet,
} from '@prisma/driver-adapter-utils';
import { Pool, types, type QueryConfig } from 'pg';

/** PostgreSQL's internal one-byte type `"char"`, in which its catalogue answers. */
const INTERNAL_CHAR = 18;

/**
 * The connections of one schema engine. Prisma's own factory is not enough here: it cuts scripts at every semicolon, also
 * inside functions and comments; given a url it takes the main database for the shadow database; it does not know the type in which PostgreSQL answers
 * questions about its catalogue; and the engine leaves its connections open.
 */
export class EngineConnections implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres';
  readonly adapterName = '@prisma/adapter-pg';
  private readonly closers: (() => Promise<void>)[] = [];

  constructor(private readonly databaseUrl: string) {}

  connect(): Promise<SqlDriverAdapter> {
    return this.open(this.databaseUrl, () => Promise.resolve());
  }

  /** A new empty database on the same server, dropped when the engine is done with it. */
  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    const name = `parley_shadow_${randomUUID().replaceAll('-', '')}`;
    await this.onMainDatabase(`CREATE DATABASE ${name}`);
    const url = new URL(this.databaseUrl);
    url.pathname = `/${name}`;
    return this.open(url.toString(), () => this.onMainDatabase(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  }

  /** Closes what the engine left open. */
  async close(): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) await close();
  }

  private async open(url: string, afterwards: () => Promise<void>): Promise<SqlDriverAdapter> {
    const pool = new CataloguePool({ connectionString: url, max: 2 });
    const adapter = await new PrismaPg(pool).connect();
    let closing: Promise<void> | undefined;
    const dispose = () => (closing ??= pool.end().then(afterwards));
    this.closers.push(dispose);
    // Without arguments PostgreSQL takes a script of many statements whole, and runs it in one transaction.
    const executeScript = async (script: string) => {
      await adapter.executeRaw({ sql: script, args: [], argTypes: [] });
    };
    const askAdapter = adapter.queryRaw.bind(adapter);
    const queryRaw = async (query: SqlQuery) => pool.withCharacterColumns(await askAdapter(query));
    return Object.assign(adapter, { executeScript, queryRaw, dispose });
  }

  private async onMainDatabase(statement: string): Promise<void> {
    const pool = new Pool({ connectionString: this.databaseUrl, max: 1 });
    try {
      await pool.query(statement);
    } finally {
      await pool.end();
    }
  }
}

/** A pool that remembers which columns of its answers have the type Prisma's adapter does not know, and passes them as text. */
class CataloguePool extends Pool {
  private readonly characterColumns = new WeakMap<object, number[]>();

  override query = (async (config: QueryConfig) => {
    const result = await super.query<unknown[]>(config);
    // A script of several statements answers several results, which nobody reads.
    if (Array.isArray(result)) return result;
    const found: number[] = [];
    for (const [index, field] of result.fields.entries()) {
      if (field.dataTypeID !== INTERNAL_CHAR) continue;
      field.dataTypeID = types.builtins.TEXT;
      found.push(index);
    }
    this.characterColumns.set(result.rows, found);
    return result;
  }) as Pool['query'];

  /** Gives the columns of an answer that came through this pool their real type. */
  withCharacterColumns(answer: SqlResultSet): SqlResultSet {
    const found = this.characterColumns.get(answer.rows) ?? [];
    const columnTypes = answer.columnTypes.map((type, i) => (found.includes(i) ? ColumnTypeEnum.Character : type));
    return { ...answer, columnTypes };
  }
}
