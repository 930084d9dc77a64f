import type { AccountView, BackendView, DomainView, KeyView } from '@parley/contracts';
import type { AdminStore } from '@parley/persistence';

type AccountRecord = Awaited<ReturnType<AdminStore['accounts']['list']>>[number];
type DomainRecord = Awaited<ReturnType<AdminStore['domains']['get']>>;
type BackendRecord = Awaited<ReturnType<AdminStore['backends']['list']>>[number];
type KeyRecord = Awaited<ReturnType<AdminStore['keys']['list']>>[number];

/** Times as ISO texts; only what the contract names. */
export function accountView({ id, slug, authId, legacyKeys, createdAt, disabledAt }: AccountRecord): AccountView {
  return { id, slug, authId, legacyKeys, createdAt: createdAt.toISOString(), disabledAt: iso(disabledAt) };
}

export function domainView(record: DomainRecord): DomainView {
  return {
    name: record.name,
    accountId: record.accountId,
    region: record.region,
    capacity: record.capacity,
    visitorsMayOpen: record.visitorsMayOpen,
    strictResidency: record.strictResidency,
    visitorUnenteredSeconds: record.visitorUnenteredSeconds,
    visitorEmptySeconds: record.visitorEmptySeconds,
    apiUnenteredSeconds: record.apiUnenteredSeconds,
    apiEmptySeconds: record.apiEmptySeconds,
    webhookRetentionDays: record.webhookRetentionDays,
    hosts: [...record.hosts],
    insecureWebhooks: record.insecureWebhooks,
    movingTo: record.movingTo,
    createdAt: record.createdAt.toISOString(),
  };
}

export function backendView(record: BackendRecord): BackendView {
  const { urls, allowPrivate, createdAt, ...rest } = record;
  return { ...rest, urls: [...urls], allowPrivate: [...allowPrivate], createdAt: createdAt.toISOString() };
}

export function keyView({ id, name, createdAt, lastUsedAt, revokedAt }: KeyRecord): KeyView {
  return { id, name, createdAt: createdAt.toISOString(), lastUsedAt: iso(lastUsedAt), revokedAt: iso(revokedAt) };
}

function iso(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
