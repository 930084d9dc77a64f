import { createMemoryUnitOfWork } from '@parley/persistence';
import { account, domain, EU } from './fixtures';
import { describeStores } from './stores.conformance';

describe('stores in memory', () => {
  describeStores(async () => {
    let wakeUps = 0;
    const memory = createMemoryUnitOfWork({
      accounts: [account('a'), account('b')],
      domains: [domain('a'), domain('b')],
      region: EU,
      wakeRelay: () => (wakeUps += 1),
    });
    return {
      uow: memory.uow,
      account: account('a').id,
      domain: domain('a').name,
      otherDomain: domain('b').name,
      addBackend: async (name, options) => memory.addBackend(name, options),
      settleValidation: async (id, validated) => memory.settleValidation(id, validated),
      eventsOf: async (id) =>
        memory
          .events()
          .filter((event) => event.roomSessionId === id)
          .map((event) => `${event.type}:${event.seq}`),
      wakeUps: () => wakeUps,
    };
  });
});
