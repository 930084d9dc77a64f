import { AccountKeyService, brandAs, cryptoIds, DomainError, type AccountId } from '@parley/domain';
import { createAccountStores, type Database } from '../src';
import { EU, MovingWorld, US } from './moving-world';

// Databases are made, and thousands of rows moved, on machines that have much else to do.
jest.setTimeout(120_000);

let world: MovingWorld;
let account: AccountId;
beforeEach(async () => {
  world = await MovingWorld.start();
  const { id } = await world.eu.admin.accounts.create('root', { slug: 'acme', authId: 'auth-acme' });
  account = brandAs<AccountId>(id);
});
afterEach(() => world.close());

const clock = { now: () => new Date() };
const keysIn = (db: Database) => new AccountKeyService(createAccountStores(db).keys, clock, cryptoIds, db.region.id);
const versionIn = async ({ prisma }: Database) =>
  (await prisma.account.findUniqueOrThrow({ where: { id: account } })).version;

test('bearer keys go with the record of their account, and are void where it is void', async () => {
  const { eu, us } = world;
  const [here, there] = [keysIn(eu.db), keysIn(us.db)];
  const first = await here.create(account, 'first');
  await eu.moving.accounts.giveTo('acme', US.id);
  expect(await there.holderOf(first.key)).toBe(account);
  const second = await here.create(account, 'second');
  expect(await there.holderOf(second.key)).toBeNull();
  const spread = await eu.moving.accounts.tell({ id: account });
  expect(spread.regions).toEqual([{ region: US.id, version: await versionIn(eu.db), lags: false }]);
  expect(await there.holderOf(second.key)).toBe(account);

  await here.revoke(account, first.id);
  await eu.moving.accounts.tell({ slug: 'acme' });
  expect([await there.holderOf(first.key), await there.holderOf(second.key)]).toEqual([null, account]);
  // When it was used there stays known there.
  const [left, ...others] = await us.db.prisma.accountKey.findMany();
  expect(others).toEqual([]);
  await eu.moving.accounts.tell({ slug: 'acme' });
  const [same] = await us.db.prisma.accountKey.findMany();
  expect(same?.lastUsedAt).toEqual(left?.lastUsedAt);
  expect(same?.lastUsedAt).not.toBeNull();
});

test('each key that is made or revoked is a new version of the record, what fails is none', async () => {
  const { db } = world.eu;
  const keys = keysIn(db);
  const before = await versionIn(db);
  const { id } = await keys.create(account, 'one');
  expect(await versionIn(db)).toBe(before + 1);
  await expect(keys.create(account, 'one')).rejects.toMatchObject({ code: 'key_exists' });
  await keys.revoke(account, id);
  await expect(keys.revoke(account, id)).rejects.toMatchObject({ code: 'key_not_found' });
  expect(await versionIn(db)).toBe(before + 2);
});

test('only the region that made the account makes, lists and revokes its keys', async () => {
  const { eu, us } = world;
  const made = await keysIn(eu.db).create(account, 'one');
  await eu.moving.accounts.giveTo('acme', US.id);
  const there = keysIn(us.db);
  const refusal = { code: 'wrong_region', details: { region: EU.id } };
  await expect(there.create(account, 'two')).rejects.toMatchObject(refusal);
  await expect(there.list(account)).rejects.toMatchObject(refusal);
  await expect(there.revoke(account, made.id)).rejects.toMatchObject(refusal);
  await expect(us.admin.accountKeys.create('root', 'acme', 'two')).rejects.toMatchObject({ code: 'elsewhere' });
  await expect(us.admin.accountKeys.revoke('root', 'acme', made.id)).rejects.toMatchObject({ code: 'elsewhere' });
});

test('an older copy takes nothing back', async () => {
  const { eu, us } = world;
  const keys = keysIn(eu.db);
  const { key, id } = await keys.create(account, 'one');
  const { keyHash, createdAt } = await eu.db.prisma.accountKey.findUniqueOrThrow({ where: { id } });
  const older = {
    ...{ id: account, slug: 'acme', authId: 'auth-acme', secret: 's', nextSecret: null, legacyKeys: false },
    ...{ version: await versionIn(eu.db), createdAt: createdAt.toISOString(), disabledAt: null },
    keys: [{ id, name: 'one', keyHash, createdAt: createdAt.toISOString() }],
  };
  await us.moving.accounts.accept(older);
  expect(await keysIn(us.db).holderOf(key)).toBe(account);
  await keys.revoke(account, id);
  await eu.moving.accounts.giveTo('acme', US.id);
  expect(await us.moving.accounts.accept(older)).toBe(older.version + 1);
  expect(await keysIn(us.db).holderOf(key)).toBeNull();
});

test('a region that is away is asked once a round, and keeps nobody else waiting', async () => {
  const { eu } = world;
  await eu.moving.accounts.giveTo('acme', US.id);
  for (const slug of ['b', 'c']) {
    await eu.admin.accounts.create('root', { slug });
    await eu.moving.accounts.giveTo(slug, US.id);
  }
  let asked = 0;
  world.onCall = () => {
    asked += 1;
    throw new DomainError('unavailable', 'us-1 does not answer.');
  };
  for (const slug of ['acme', 'b', 'c']) await eu.admin.accounts.rotateSecret('root', slug);
  await eu.moving.accounts.catchUp();
  expect(asked).toBe(1);
  expect((await eu.moving.accounts.spread({ slug: 'c' })).rotating).toBe(true);
  world.onCall = () => undefined;
  await eu.moving.accounts.catchUp();
  for (const slug of ['acme', 'b', 'c']) {
    expect(await eu.moving.accounts.spread({ slug })).toMatchObject({ rotating: false, regions: [{ lags: false }] });
  }
});
