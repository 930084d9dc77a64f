import { brandAs, type DomainName, type RegionId } from '@parley/domain';
import {
  AdminError,
  createAdminStore,
  createDirectory,
  seedDemo,
  type AdminStore,
  type Database,
  type OpenDirectory,
} from '@parley/persistence';
import { eventually } from '@parley/testing';
import { EU, MASTER_KEYS, room } from './fixtures';
import { TestDatabases } from './test-database';

const US = { id: brandAs<RegionId>('us-1'), number: 2 };
const A = brandAs<DomainName>('a.test');

async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    (value) => `no refusal but ${JSON.stringify(value)}`,
    (error: unknown) => (error instanceof AdminError ? error.code : String(error)),
  );
}

describe('operators', () => {
  let databases: TestDatabases;
  let db: Database;
  let directory: OpenDirectory;
  let admin: AdminStore;
  let urls: { database: string; directory: string };
  let time: Date;

  beforeAll(async () => {
    databases = await TestDatabases.start();
  });
  beforeEach(async () => {
    time = new Date('2026-11-21T12:00:00.000Z');
    const opened = await databases.open();
    db = opened.db;
    urls = { database: opened.url, directory: await databases.postgres.createDatabase() };
    directory = createDirectory({ url: urls.directory });
    admin = createAdminStore(db, directory, { now: () => time });
  });
  afterEach(async () => {
    await directory.close();
    await databases.closeDatabases();
  });
  afterAll(() => databases.close());

  const actions = async () => (await admin.audit(100)).map((each) => `${each.actor} ${each.action} ${each.target}`);

  describe('keys', () => {
    it('are shown once, kept hashed, and good until revoked', async () => {
      const made = await admin.keys.create('root', 'ci');
      expect(made.key).toMatch(/^pok_[0-9a-f]{64}$/);
      expect(await admin.keys.verify(made.key)).toMatchObject({ name: 'ci', lastUsedAt: time });
      expect(await admin.keys.verify(`${made.key}0`)).toBeNull();
      expect(JSON.stringify([await admin.keys.list(), await db.prisma.operatorKey.findMany()])).not.toContain(made.key);
      await admin.keys.revoke('root', 'ci');
      expect(await admin.keys.verify(made.key)).toBeNull();
      expect(await refusal(admin.keys.revoke('root', 'ci'))).toBe('not_found');
      expect(await refusal(admin.keys.create('root', 'ci'))).toBe('taken');
      expect(await actions()).toEqual(
        expect.arrayContaining(['root operator-key.create ci', 'root operator-key.revoke ci']),
      );
      expect(await admin.audit(100)).toHaveLength(2);
    });

    it('note their last use once a minute', async () => {
      const { key } = await admin.keys.create('root', 'ci');
      const first = time;
      await admin.keys.verify(key);
      time = new Date(first.getTime() + 59_999);
      expect((await admin.keys.verify(key))?.lastUsedAt).toEqual(first);
      time = new Date(first.getTime() + 60_000);
      expect((await admin.keys.verify(key))?.lastUsedAt).toEqual(time);
    });
  });

  describe('accounts', () => {
    it('are made with a secret that is shown once, rotated and disabled', async () => {
      const made = await admin.accounts.create('root', { slug: 'acme' });
      expect(made).toMatchObject({ slug: 'acme', legacyKeys: false, disabledAt: null });
      const known = () => db.stores.tenancy.accountByAuthId(made.authId);
      expect(await known()).toMatchObject({ id: made.id, secret: made.secret });
      expect(await directory.regionsOf(made.authId)).toEqual(['eu-1']);
      const { secret } = await admin.accounts.rotateSecret('root', 'acme');
      expect(secret).not.toBe(made.secret);
      expect(await known()).toMatchObject({ secret });
      await admin.accounts.disable('root', 'acme');
      await admin.accounts.disable('root', 'acme');
      expect(await known()).toBeNull();
      expect(JSON.stringify([await admin.accounts.list(), await admin.audit(9)])).not.toMatch(secret);
      expect((await actions()).sort()).toEqual([
        'root account.create acme',
        'root account.disable acme',
        'root account.rotate-secret acme',
      ]);
    });

    it('refuse a slug or auth id that is taken, and unknown slugs', async () => {
      await admin.accounts.create('root', { slug: 'acme', authId: 'x' });
      expect(await refusal(admin.accounts.create('root', { slug: 'acme' }))).toBe('taken');
      expect(await refusal(admin.accounts.create('root', { slug: 'other', authId: 'x' }))).toBe('taken');
      expect(await refusal(admin.accounts.rotateSecret('root', 'nobody'))).toBe('not_found');
      expect(await refusal(admin.accounts.disable('root', 'nobody'))).toBe('not_found');
      expect(await actions()).toHaveLength(1);
    });
  });

  describe('domains', () => {
    beforeEach(async () => {
      await admin.accounts.create('root', { slug: 'acme', authId: 'auth-acme' });
    });

    it('are made with a webhook key and made known in the directory', async () => {
      const made = await admin.domains.create('root', {
        name: 'A.test',
        account: 'acme',
        capacity: 5,
        strictResidency: true,
        hosts: ['Meet.A.test'],
      });
      expect(made).toMatchObject({ name: 'a.test', region: 'eu-1', capacity: 5, hosts: ['meet.a.test'] });
      expect(made.insecureWebhooks).toBe(false);
      expect(await db.stores.tenancy.domain(A)).toMatchObject({ webhookKey: made.webhookKey, capacity: 5 });
      expect(await directory.domain(A)).toEqual({ region: 'eu-1', epoch: 1, strictResidency: true });
      expect(await directory.host('meet.a.test')).toBe('a.test');
      expect(JSON.stringify([await admin.domains.list(), await admin.audit(9)])).not.toContain(made.webhookKey);
    });

    it('get new webhook keys, shown once; the former one is kept, sealed, for as long as both count', async () => {
      const made = await admin.domains.create('root', { name: 'a.test', account: 'acme' });
      const { webhookKey, formerSignsUntil } = await admin.domains.rotateWebhookKey('root', A, 24);
      expect(webhookKey).toMatch(/^[0-9a-f]{64}$/);
      expect(await db.stores.tenancy.domain(A)).toMatchObject({ webhookKey });
      expect(formerSignsUntil).toEqual(new Date(time.getTime() + 24 * 3_600_000));
      const row = await db.prisma.domain.findUniqueOrThrow({ where: { name: A } });
      const place = { table: 'Domain', row: A, column: 'previousWebhookKey' };
      expect(db.sealer.open(place, row.previousWebhookKeySealed ?? '')).toBe(made.webhookKey);
      expect(row.previousWebhookKeyUntil).toEqual(formerSignsUntil);
      const shown = JSON.stringify([await admin.domains.list(), await admin.audit(9), row]);
      expect(shown).not.toContain(webhookKey);
      expect(shown).not.toContain(made.webhookKey);
      expect(JSON.stringify(await admin.domains.list())).not.toMatch(/previous|Sealed/);
      expect(await actions()).toContain('root domain.rotate-webhook-key a.test');

      expect(await admin.domains.rotateWebhookKey('root', A, 0)).toMatchObject({ formerSignsUntil: null });
      const now = await db.prisma.domain.findUniqueOrThrow({ where: { name: A } });
      expect(now).toMatchObject({ previousWebhookKeySealed: null, previousWebhookKeyUntil: null });
      await expect(admin.domains.rotateWebhookKey('root', A, 169)).rejects.toMatchObject({ code: 'invalid_input' });
      expect(await refusal(admin.domains.rotateWebhookKey('root', brandAs<DomainName>('b.test'), 1))).toBe('not_found');
    });

    it('belong to one region, and a host to one domain', async () => {
      const { db: elsewhere } = await databases.open({ region: US });
      const other = createAdminStore(elsewhere, directory, { now: () => time });
      await other.accounts.create('root', { slug: 'acme', authId: 'auth-acme' });
      await admin.domains.create('root', { name: 'a.test', account: 'acme', hosts: ['h.test'] });
      const again = { name: 'a.test', account: 'acme' };
      expect(await refusal(other.domains.create('root', again))).toBe('taken');
      expect(await refusal(admin.domains.create('root', again))).toBe('taken');
      const sameHost = { name: 'b.test', account: 'acme', hosts: ['h.test'] };
      expect(await refusal(other.domains.create('root', sameHost))).toBe('taken');
      expect(await directory.domain(brandAs<DomainName>('b.test'))).toBeNull();
      expect(await directory.host('h.test')).toBe('a.test');
      expect(await directory.regionsOf('auth-acme')).toEqual(['eu-1', 'us-1']);
    });

    it('are not made in a region that is being emptied', async () => {
      const entry = { apiUrl: 'https://eu.test', signalingUrl: 'wss://eu.test', position: null, group: null } as const;
      await directory.changes.addRegion({ ...entry, id: EU.id, number: EU.number, state: 'draining' });
      expect(await refusal(admin.domains.create('root', { name: 'a.test', account: 'acme' }))).toBe('elsewhere');
      expect(await directory.domain(A)).toBeNull();
      await directory.changes.changeRegion(EU.id, { state: 'serving' });
      expect(await admin.domains.create('root', { name: 'a.test', account: 'acme' })).toMatchObject({ name: 'a.test' });
    });

    it('refuse unknown accounts and names that are none', async () => {
      expect(await refusal(admin.domains.create('root', { name: 'a.test', account: 'nobody' }))).toBe('not_found');
      expect(await refusal(admin.domains.create('root', { name: 'a/b', account: 'acme' }))).toBe('invalid');
      expect(await directory.domain(A)).toBeNull();
    });

    it('are changed in what is given', async () => {
      await admin.domains.create('root', { name: 'a.test', account: 'acme', hosts: ['h.test'], capacity: 5 });
      await admin.domains.update('root', A, { visitorsMayOpen: false, apiEmptySeconds: null });
      const changed = await admin.domains.update('root', A, { strictResidency: true, hosts: ['i.test'] });
      expect(changed).toMatchObject({ capacity: 5, visitorsMayOpen: false, apiEmptySeconds: null, hosts: ['i.test'] });
      expect(await directory.domain(A)).toMatchObject({ strictResidency: true });
      expect([await directory.host('h.test'), await directory.host('i.test')]).toEqual([null, 'a.test']);
      const unknown = brandAs<DomainName>('no.test');
      expect(await refusal(admin.domains.update('root', unknown, { capacity: 1 }))).toBe('not_found');
    });

    it('are deleted with all they have, but not while rooms are open', async () => {
      await admin.domains.create('root', { name: 'a.test', account: 'acme', hosts: ['h.test'] });
      const open = room();
      const removed = { type: 'room.removed', payload: {}, occurredAt: time } as const;
      await db.uow.run(async (stores) => {
        await stores.rooms.insert(open);
        const { domain, name: roomName } = open;
        await stores.outbox.append({ ...removed, domain, roomName, roomSessionId: open.id });
        await stores.outbox.append({ ...removed, domain, roomName, roomSessionId: null });
      });
      expect(await refusal(admin.domains.delete('root', A))).toBe('rooms_open');
      await db.uow.run((stores) => stores.rooms.close(open.id, time));
      await admin.domains.delete('root', A);
      expect([await directory.domain(A), await directory.host('h.test')]).toEqual([null, null]);
      expect(await db.prisma.room.count()).toBe(0);
      expect([await db.prisma.outboxEvent.count(), await db.prisma.roomSequence.count()]).toEqual([0, 0]);
      expect(await refusal(admin.domains.delete('root', A))).toBe('not_found');
    });
  });

  describe('the demo', () => {
    const seed = () =>
      seedDemo({
        databaseUrl: urls.database,
        directoryUrl: urls.directory,
        region: EU,
        masterKeys: MASTER_KEYS,
        demo: { authId: 'demo', secret: 'demo secret', domain: 'demo.localhost', webhookKey: 'demo hook' },
        adminKey: 'pok_demo',
      });

    it('is seeded once', async () => {
      expect(await seed()).toEqual(['account', 'domain', 'operator-key']);
      expect(await db.stores.tenancy.accountByAuthId('demo')).toMatchObject({
        slug: 'demo',
        secret: 'demo secret',
        legacyKeys: true,
      });
      const name = brandAs<DomainName>('demo.localhost');
      expect(await db.stores.tenancy.domain(name)).toMatchObject({ webhookKey: 'demo hook', insecureWebhooks: true });
      expect(await directory.domain(name)).toMatchObject({ region: 'eu-1' });
      expect(await admin.keys.verify('pok_demo')).toMatchObject({ name: 'bootstrap' });
      await admin.domains.update('root', name, { capacity: 3, hosts: ['h.test'] });
      expect(await seed()).toEqual([]);
      expect(await admin.domains.get(name)).toMatchObject({ capacity: 3, hosts: ['h.test'] });
    });

    it('fills in what is missing, also in a directory that is younger', async () => {
      await seed();
      const name = brandAs<DomainName>('demo.localhost');
      await directory.releaseDomain(name, EU.id);
      await db.prisma.operatorKey.deleteMany();
      expect(await seed()).toEqual(['operator-key']);
      expect(await directory.domain(name)).toMatchObject({ region: 'eu-1', epoch: 1 });
    });
  });

  it('the directory answers null for what it does not know', async () => {
    expect(await directory.domain(A)).toBeNull();
    expect(await directory.host('a\0b')).toBeNull();
    expect(await directory.regionsOf('nobody')).toEqual([]);
    expect(await directory.movedId('webhook', 1025)).toBeNull();
    await db.prisma.$disconnect();
    const { db: rows } = await databases.open({ url: urls.directory });
    await rows.prisma.movedId.create({ data: { kind: 'webhook', id: 1025n, region: 'us-1' } });
    expect(await directory.movedId('webhook', 1025)).toBe('us-1');
    expect(await directory.movedId('robot', 1025)).toBeNull();
    expect(await directory.movedId('robot', 1.5)).toBeNull();
    await eventually(() => directory.healthy(), 'the directory to say that it is there');
  });
});
