import {
  brandAs,
  type Account,
  type Domain,
  type DomainName,
  type RegionId,
  type Stores,
  type UnitOfWork,
  type WebhookId,
} from '@parley/domain';
import type { ReadStores, RegionIdentity } from '../unit-of-work';
import { copyOf, emptyState, type MemoryEvent, type MemoryState } from './memory-state';
import { memoryStores } from './memory-stores';

export interface MemoryOptions {
  readonly accounts?: readonly Account[];
  readonly domains?: readonly Domain[];
  /** `eu-1`, number 1, by default. */
  readonly region?: RegionIdentity;
  readonly wakeRelay?: () => void;
}

/** A database in memory, for unit tests. Work runs one piece after the other; what fails leaves no trace. */
export interface MemoryDatabase {
  readonly uow: UnitOfWork;
  readonly stores: ReadStores;
  /** What was appended to the outbox and committed, oldest first. */
  events(): readonly MemoryEvent[];
  putAccount(account: Account): void;
  putDomain(domain: Domain): void;
  /** Gives the domain a foreign backend. */
  addBackend(domain: DomainName, options: { foreignEntry: boolean }): void;
  /** What the dispatcher does: notes the outcome of a handshake. */
  settleValidation(id: WebhookId, validated: boolean): void;
}

export function createMemoryUnitOfWork(options: MemoryOptions = {}): MemoryDatabase {
  const region = options.region ?? { id: brandAs<RegionId>('eu-1'), number: 1 };
  let state = emptyState();
  let appended = 0;
  const stores: Stores = memoryStores(
    () => state,
    region,
    () => (appended += 1),
  );
  const putAccount = (account: Account): void => void state.accounts.set(account.id, account);
  const putDomain = (domain: Domain): void => void state.domains.set(domain.name, domain);
  options.accounts?.forEach(putAccount);
  options.domains?.forEach(putDomain);

  let turn: Promise<unknown> = Promise.resolve();
  const runAlone = async <Outcome>(work: (stores: Stores) => Promise<Outcome>): Promise<Outcome> => {
    const before = copyOf(state);
    appended = 0;
    try {
      const outcome = await work(stores);
      if (appended > 0) options.wakeRelay?.();
      return outcome;
    } catch (error) {
      state = before;
      throw error;
    }
  };
  return {
    uow: {
      run: (work) => {
        const result = turn.then(() => runAlone(work));
        turn = result.catch(() => undefined);
        return result;
      },
    },
    stores,
    events: () => state.events,
    putAccount,
    putDomain,
    addBackend: (name, { foreignEntry }) => {
      if (!foreignEntry) state.closedDomains.add(name);
    },
    settleValidation: (id, validated) => settleValidation(state, id, validated),
  };
}

function settleValidation({ webhooks }: MemoryState, id: WebhookId, validated: boolean): void {
  const stored = webhooks.get(id);
  if (!stored) throw new Error(`there is no webhook ${id}`);
  webhooks.set(id, {
    ...stored,
    webhook: { ...stored.webhook, validated, state: { kind: validated ? 'active' : 'pending' } },
    validationDueAt: null,
    outcome: { validated },
  });
}
