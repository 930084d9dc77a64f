import type { AccountId, DomainName } from '../kernel/ids';
import type { Stores, UnitOfWork } from '../kernel/unit-of-work';
import { ownDomain } from './own-domain';

/** What an account sets for a domain of its own. */
export interface OwnDomainSettings {
  readonly name: DomainName;
  /** Who comes and goes is an event although no webhook lists it: for accounts that read events instead of being told. */
  readonly peerEvents: boolean;
}

/** Domains as their accounts see them. Every method throws DomainError domain_not_found for those of others. */
export class OwnDomainService {
  constructor(private readonly uow: UnitOfWork) {}

  async settings(account: AccountId, name: DomainName): Promise<OwnDomainSettings> {
    return this.uow.run(async (stores) => {
      await ownDomain(stores, account, name);
      return present(stores, name);
    });
  }

  /** What is absent stays. In rooms that are open who is in is told within seconds, as if they had just come. */
  async change(
    account: AccountId,
    name: DomainName,
    { peerEvents }: { readonly peerEvents?: boolean },
  ): Promise<OwnDomainSettings> {
    return this.uow.run(async (stores) => {
      await ownDomain(stores, account, name);
      if (peerEvents !== undefined) await stores.tenancy.setPeerEvents(name, peerEvents);
      return present(stores, name);
    });
  }
}

async function present({ tenancy }: Stores, name: DomainName): Promise<OwnDomainSettings> {
  return { name, peerEvents: await tenancy.peerEvents(name) };
}
