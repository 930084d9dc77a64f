import { account, domain } from './fixtures';
import { describeStores } from './stores.conformance';
import { putTenant, TestDatabases } from './test-database';

describe('stores in PostgreSQL', () => {
  let databases: TestDatabases;
  beforeAll(async () => {
    databases = await TestDatabases.start();
  });
  afterEach(() => databases.closeDatabases());
  afterAll(() => databases.close());

  describeStores(async () => {
    let wakeUps = 0;
    const { db } = await databases.open({ wakeRelay: () => (wakeUps += 1) });
    await putTenant(db, account('a'), domain('a'));
    await putTenant(db, account('b'), domain('b'));
    return {
      uow: db.uow,
      account: account('a').id,
      domain: domain('a').name,
      otherDomain: domain('b').name,
      addBackend: async (domainName, { foreignEntry }) => {
        const id = `backend-${domainName}-${foreignEntry}`;
        await db.prisma.backend.create({ data: { id, domainName, urls: [], secretSealed: 'sealed', foreignEntry } });
      },
      settleValidation: async (id, validated) => {
        await db.prisma.webhook.update({
          where: { id: BigInt(id) },
          data: { validated, lastValidationAt: new Date(), nextValidationAt: null, handshakeAwaited: false },
        });
      },
      eventsOf: async (id) => {
        const events = await db.prisma.outboxEvent.findMany({ where: { roomSessionId: id }, orderBy: { seq: 'asc' } });
        return events.map((event) => `${event.type}:${event.seq}`);
      },
      wakeUps: () => wakeUps,
    };
  });
});
