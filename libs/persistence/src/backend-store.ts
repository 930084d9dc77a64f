import { brandAs, type DomainName } from '@parley/domain';
import { urlPrefixes } from './backend-url';
import type { BackendModel } from './generated/models';
import type { PrismaClient } from './generated/client';
import type { Sealer } from './sealing';

/** A foreign backend (a Nextcloud) that uses this cluster for signaling. Secrets are in the clear only in memory. */
export interface Backend {
  readonly id: string;
  readonly domain: DomainName;
  /** Base URLs, each with a slash at the end. */
  readonly urls: readonly string[];
  /** Shared secret of requests in both directions. */
  readonly secret: string;
  /** Proves its internal clients; null: it has none. */
  readonly internalSecret: string | null;
  /** How many sessions of clients it may have at once; null: any number. */
  readonly sessionLimit: number | null;
  /** What its clients may send at most, in bits per second; null: nothing is said about it. */
  readonly maxStreamBitrate: number | null;
  readonly maxScreenBitrate: number | null;
  /** People of other protocols may enter its rooms. */
  readonly foreignEntry: boolean;
  /** Private address ranges (CIDR) its URLs may resolve to. */
  readonly allowPrivate: readonly string[];
  /** Its rooms carry its id in their names, since another backend of the domain has the plain ones. */
  readonly scopesRooms: boolean;
}

export interface BackendStore {
  /** The backend that has this URL or a prefix of it (whole path segments); the longest prefix wins. */
  byUrl(url: string): Promise<Backend | null>;
  byId(id: string): Promise<Backend | null>;
  /** All of this region, by id. */
  list(): Promise<readonly Backend[]>;
}

/** Where a backend's secret stands, for sealing. */
export function backendSecretPlace(id: string, column: 'secret' | 'internalSecret') {
  return { table: 'Backend', row: id, column };
}

/** Backends in PostgreSQL. */
export function createBackendStore(db: { prisma: Pick<PrismaClient, 'backend'>; sealer: Sealer }): BackendStore {
  const { prisma, sealer } = db;
  return {
    byUrl: async (url) => {
      const prefixes = urlPrefixes(url);
      if (prefixes.length === 0) return null;
      const rows = await prisma.backend.findMany({ where: { urls: { hasSome: prefixes } } });
      const best = prefixes.map((prefix) => rows.find((row) => row.urls.includes(prefix))).find((row) => row);
      return best ? toBackend(best, sealer) : null;
    },
    byId: async (id) => {
      const row = await prisma.backend.findUnique({ where: { id } });
      return row && toBackend(row, sealer);
    },
    list: async () => (await prisma.backend.findMany({ orderBy: { id: 'asc' } })).map((row) => toBackend(row, sealer)),
  };
}

function toBackend(row: BackendModel, sealer: Sealer): Backend {
  return {
    id: row.id,
    domain: brandAs<DomainName>(row.domainName),
    urls: row.urls,
    secret: sealer.open(backendSecretPlace(row.id, 'secret'), row.secretSealed),
    internalSecret:
      row.internalSecretSealed === null
        ? null
        : sealer.open(backendSecretPlace(row.id, 'internalSecret'), row.internalSecretSealed),
    sessionLimit: row.sessionLimit,
    maxStreamBitrate: row.maxStreamBitrate,
    maxScreenBitrate: row.maxScreenBitrate,
    foreignEntry: row.foreignEntry,
    allowPrivate: row.allowPrivate,
    scopesRooms: row.scopesRooms,
  };
}
