import { brandAs, type DomainName, type RegionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import {
  AdminError,
  createAdminStore,
  createDirectory,
  type AdminStore,
  type Database,
  type OpenDirectory,
} from '../src';
import { lockDomainName } from '../src/admin/domain-lock';
import { Prisma } from '../src/generated/client';
import { standAt, Standing } from './standing';
import { TestDatabases } from './test-database';

const A = brandAs<DomainName>('a.test');
const US = brandAs<RegionId>('us-1');

/** Those that wait for somebody's lock in this database. */
const WAITING = Prisma.sql`SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE NOT l.granted AND a.datname = current_database()`;

let databases: TestDatabases;
let db: Database;
let directory: OpenDirectory;
let directoryUrl: string;
let admin: AdminStore;
beforeEach(async () => {
  databases = await TestDatabases.start();
  ({ db } = await databases.open());
  directoryUrl = await databases.postgres.createDatabase();
  directory = createDirectory({ url: directoryUrl });
  admin = createAdminStore(db, directory, { now: () => new Date() });
  await admin.accounts.create('root', { slug: 'acme', authId: 'auth-acme' });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await directory.close();
  await databases.close();
});

async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    (value) => `no refusal but ${JSON.stringify(value)}`,
    (error: unknown) => (error instanceof AdminError ? error.code : String(error)),
  );
}

test('a domain is deleted completely by a call that is repeated after it failed half-way', async () => {
  await admin.domains.create('root', { name: 'a.test', account: 'acme', hosts: ['h.test'] });
  const release = directory.releaseDomain.bind(directory);
  directory.releaseDomain = () => Promise.reject(new Error('killed'));
  await expect(admin.domains.delete('root', A)).rejects.toThrow('killed');
  directory.releaseDomain = release;
  expect(await directory.domain(A)).toMatchObject({ region: 'eu-1' });
  await admin.domains.delete('root', A);
  expect([await directory.domain(A), await directory.host('h.test')]).toEqual([null, null]);
  expect(await refusal(admin.domains.delete('root', A))).toBe('not_found');
  await directory.claimDomain(A, { region: US, epoch: 1, strictResidency: false });
  expect(await refusal(admin.domains.delete('root', A))).toBe('not_found');
  expect(await directory.domain(A)).toMatchObject({ region: 'us-1' });
});

test('a name is kept under which a domain is made anew while the former one is being deleted', async () => {
  const anew = { name: 'a.test', account: 'acme', hosts: ['h.test'] };
  await admin.domains.create('root', anew);
  // The second transaction gives the name up.
  const releasing = standAt(db.prisma, 2);
  const deleting = admin.domains.delete('root', A);
  await releasing.arrived;
  const claimed = new Standing();
  const setHosts = directory.setHosts.bind(directory);
  directory.setHosts = async (...args) => {
    const foreign = await setHosts(...args);
    await claimed.here();
    return foreign;
  };
  const making = admin.domains.create('root', anew);
  await claimed.arrived;
  releasing.go();
  let deleted = false;
  void deleting.then(() => (deleted = true));
  await eventually(
    async () => deleted || (await db.prisma.$queryRaw<unknown[]>(WAITING)).length > 0,
    'the deletion to wait for the domain that is being made',
  );
  claimed.go();
  await Promise.all([making, deleting]);
  expect(await admin.domains.get(A)).toMatchObject({ hosts: ['h.test'] });
  expect(await directory.domain(A)).toMatchObject({ region: 'eu-1' });
  expect(await directory.host('h.test')).toBe('a.test');
});

test('a name is not claimed anew by a change that comes while its domain is deleted', async () => {
  await admin.domains.create('root', { name: 'a.test', account: 'acme' });
  const changing = standAt(db.prisma, 1);
  const change = admin.domains.update('root', A, { hosts: ['h.test'] });
  await changing.arrived;
  await admin.domains.delete('root', A);
  changing.go();
  expect(await refusal(change)).toBe('not_found');
  expect([await directory.domain(A), await directory.host('h.test')]).toEqual([null, null]);
});

test('a host that somebody takes in this very moment is named, and the name that was asked for is free again', async () => {
  const elsewhere = (await databases.open({ url: directoryUrl })).db.prisma;
  const written = new Standing();
  const taking = elsewhere.$transaction(
    async (tx) => {
      await tx.directoryHost.create({ data: { host: 'h.test', domainName: 'b.test' } });
      await written.here();
    },
    { timeout: 80_000 },
  );
  await written.arrived;
  const making = admin.domains.create('root', { name: 'a.test', account: 'acme', hosts: ['g.test', 'H.test'] });
  const refused = making.then(
    () => 'made',
    (error: unknown) => (error instanceof AdminError ? `${error.code}: ${error.message}` : String(error)),
  );
  await eventually(
    async () => (await elsewhere.$queryRaw<unknown[]>(WAITING)).length > 0,
    'the new domain to wait for the host',
  );
  written.go();
  await taking;
  expect(await refused).toBe('taken: Another domain has the host h.test.');
  expect(await directory.domain(A)).toBeNull();
});

test('who finds somebody at a name is told to try again, and keeps no connection until the other one is done', async () => {
  await admin.domains.create('root', { name: 'a.test', account: 'acme' });
  const locked = new Standing();
  const holding = db.prisma.$transaction(
    async (tx) => {
      await lockDomainName(tx, A);
      await locked.here();
    },
    { timeout: 80_000 },
  );
  await locked.arrived;
  const anew = { name: 'a.test', account: 'acme' };
  const refused = [
    admin.domains.create('root', anew),
    admin.domains.update('root', A, {}),
    admin.domains.delete('root', A),
  ];
  const tryAgain = expect.objectContaining({
    code: 'taken',
    message: expect.stringContaining('try again') as unknown,
  }) as unknown;
  await Promise.all(refused.map((work) => expect(work).rejects.toEqual(tryAgain)));
  locked.go();
  await holding;
  await admin.domains.delete('root', A);
  expect(await directory.domain(A)).toBeNull();
});
