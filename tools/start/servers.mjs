/** PostgreSQL and Redis for the regions of this run. Loaded after the packages are installed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgresServer } from '../provision/postgres.mjs';
import { startRedisServer } from '../provision/redis.mjs';
import { SetupFailure } from '../setup-failure.mjs';
import { databaseName } from './plan.mjs';

/** One private Redis per region, all with this password, or the given one. */
export async function openRedis({ regions, givenUrl, password, folder, onStart }) {
  if (givenUrl !== undefined) {
    if (regions.length === 1) return [{ url: givenUrl }];
    throw new SetupFailure(
      'REDIS_URL can serve one region only: unset it, so that each region gets a Redis of its own',
    );
  }
  return Promise.all(
    regions.map(async ({ id }) => {
      const dir = folder.redis(id);
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const server = await startRedisServer({ dir, password, logFile: join(folder.logs, `redis-${id}.log`) });
      onStart(server.pid, 'SIGTERM');
      return server;
    }),
  );
}

/** The private PostgreSQL, or the given one. */
export async function openPostgres({ givenUrl, password, folder, onStart }) {
  if (givenUrl !== undefined) return { url: givenUrl, isGiven: true, stop: async () => undefined };
  const logFile = join(folder.logs, 'postgres.log');
  const server = await startPostgresServer({ folder: folder.postgres, logFile, password });
  onStart(server.pid, 'SIGINT');
  return { ...server, isGiven: false };
}

/**
 * Makes the databases that are missing: one per region, and one for the directory when there are several regions.
 * A given database serves a single region as it is; several regions get databases named after it.
 * @returns {Promise<{databaseUrls: string[], directoryUrl: string}>}
 */
export async function makeDatabases(server, regions) {
  const { pathname } = new URL(server.url);
  if (server.isGiven && regions.length === 1) return { databaseUrls: [server.url], directoryUrl: server.url };
  const base = server.isGiven ? decodeURIComponent(pathname.slice(1)) : 'parley';
  const names = regions.map(({ id }) => databaseName(base, id));
  const directory = regions.length > 1 ? `${base}_directory` : names[0];
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    const { rows } = await client.query('SELECT datname FROM pg_database');
    const existing = new Set(rows.map(({ datname }) => datname));
    for (const name of new Set([...names, directory])) {
      if (!existing.has(name)) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
    }
  } catch (cause) {
    if (!server.isGiven) throw cause;
    throw new SetupFailure(`the PostgreSQL at DATABASE_URL cannot be used: ${cause.message}`, { cause });
  } finally {
    await client.end();
  }
  const urlOf = (name) => Object.assign(new URL(server.url), { pathname: `/${name}` }).toString();
  return { databaseUrls: names.map(urlOf), directoryUrl: urlOf(directory) };
}
