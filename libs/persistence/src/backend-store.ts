import { brandAs, type DomainName } from '@parley/domain';
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
  readonly sessionLimit: number | null;
  /** Private address ranges (CIDR) its URLs may resolve to. */
  readonly allowPrivate: readonly string[];
}

export interface BackendStore {
  /** The backend that has this URL or a prefix of it (whole path segments); the longest prefix wins. */
  byUrl(url: string): Promise<Backend | null>;
  byId(id: string): Promise<Backend | null>;
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
  };
}

/** How deep a URL's path may be to be looked up. */
const MAX_SEGMENTS = 32;

/** The URL and everything above it, longest first, each with a slash at the end. */
function urlPrefixes(text: string): string[] {
  if (text.includes('\0') || !URL.canParse(text)) return [];
  const url = new URL(text);
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  if (segments.length > MAX_SEGMENTS) return [];
  const base = `${url.protocol}//${url.host}/`;
  return segments
    .map((_, index) => `${base}${segments.slice(0, index + 1).join('/')}/`)
    .reverse()
    .concat(base);
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
    allowPrivate: row.allowPrivate,
  };
}
