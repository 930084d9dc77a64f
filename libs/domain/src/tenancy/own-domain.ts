import { DomainError } from '../kernel/domain-error';
import type { AccountId, DomainName, RegionId } from '../kernel/ids';
import type { Stores } from '../kernel/unit-of-work';
import type { Domain, TenancyStore } from './tenancy';

/**
 * The domain, if it is the account's own and at home in this region: one that moved away has data here no more.
 * @throws DomainError domain_not_found, the same for one that does not exist and one of another tenant; wrong_region
 */
export async function ownDomain(
  stores: { readonly tenancy: Pick<TenancyStore, 'domain' | 'region'> },
  account: AccountId,
  name: DomainName,
): Promise<Domain> {
  const domain = await stores.tenancy.domain(name);
  if (domain?.accountId !== account) throw domainNotFound(name);
  if (domain.region !== stores.tenancy.region) throw wrongRegion(domain);
  return domain;
}

/** As {@link ownDomain}, for what is found by its own id. Undefined: it is not the account's. @throws DomainError wrong_region */
export async function ownerOf(
  tenancy: Pick<TenancyStore, 'domain' | 'region'>,
  account: AccountId,
  name: DomainName,
): Promise<Domain | undefined> {
  const domain = await tenancy.domain(name);
  if (domain?.accountId !== account) return undefined;
  if (domain.region !== tenancy.region) throw wrongRegion(domain);
  return domain;
}

/** @throws DomainError domain_not_found */
export async function knownDomain(stores: Stores, name: DomainName): Promise<Domain> {
  const domain = await stores.tenancy.domain(name);
  if (domain === null) throw domainNotFound(name);
  return domain;
}

/**
 * The domain, when the region that is asked is its home.
 * @throws DomainError domain_not_found, wrong_region
 */
export async function domainAtHome(stores: Stores, name: DomainName, region: RegionId): Promise<Domain> {
  const domain = await knownDomain(stores, name);
  if (domain.region !== region) throw wrongRegion(domain);
  return domain;
}

function wrongRegion({ region }: Domain): DomainError {
  return new DomainError('wrong_region', 'The domain is at home in another region.', { region });
}

function domainNotFound(name: DomainName): DomainError {
  return new DomainError('domain_not_found', `There is no domain ${name} here.`, { domain: name });
}
