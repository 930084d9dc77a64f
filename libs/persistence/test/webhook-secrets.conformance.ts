import { brandAs, type DomainName, type WebhookId } from '@parley/domain';
import type { StoresUnderTest } from './stores-under-test';

const start = Date.UTC(2026, 10, 21, 12);
const at = (hours: number): Date => new Date(start + hours * 3_600_000);

/** What every implementation promises of signing secrets and webhook keys. */
export function webhookSecretTests(db: () => StoresUnderTest): void {
  const webhook = async (): Promise<WebhookId> => {
    const target = { type: 'url', url: 'https://a.test/h' } as const;
    const { id } = await db().uow.run(({ webhooks }) => webhooks.insert({ domain: db().domain, target }, at(0)));
    return id;
  };
  const add = (id: WebhookId, text: string, hours: number, signsUntil: Date | null = null) =>
    db().uow.run(({ webhookSecrets }) => webhookSecrets.add(id, { text, signsUntil }, at(hours)));
  const signing = async (id: WebhookId, hours: number) => {
    const records = await db().uow.run(({ webhookSecrets }) => webhookSecrets.signing(id, at(hours)));
    return records.map(({ createdAt, signsUntil }) => ({ createdAt, signsUntil }));
  };

  it('tells which secrets of a webhook sign at a moment, newest first, without the secrets', async () => {
    const [id, other] = [await webhook(), await webhook()];
    await add(id, 'whsec_one', 0, at(5));
    await add(id, 'whsec_two', 1);
    await add(other, 'whsec_other', 0);
    expect(await signing(id, 4)).toEqual([
      { createdAt: at(1), signsUntil: null },
      { createdAt: at(0), signsUntil: at(5) },
    ]);
    expect(await signing(id, 5)).toEqual([{ createdAt: at(1), signsUntil: null }]);
    const records = await db().uow.run(({ webhookSecrets }) => webhookSecrets.signing(id, at(4)));
    expect(new Set(records.map((record) => record.id)).size).toBe(2);
  });

  it('ends what signs, never later than it would have ended', async () => {
    const [id, other] = [await webhook(), await webhook()];
    await add(id, 'whsec_one', 0, at(5));
    await add(id, 'whsec_two', 1);
    await add(other, 'whsec_other', 0);
    await db().uow.run(({ webhookSecrets }) => webhookSecrets.endBy(id, at(10)));
    expect(await signing(id, 4)).toEqual([
      { createdAt: at(1), signsUntil: at(10) },
      { createdAt: at(0), signsUntil: at(5) },
    ]);
    expect(await signing(other, 400)).toHaveLength(1);
  });

  it('gives a domain another webhook key, and only that domain', async () => {
    const name = db().domain;
    const keyOf = (domain: DomainName) =>
      db().uow.run(async (stores) => (await stores.tenancy.domain(domain))?.webhookKey);
    const others = await keyOf(db().otherDomain);
    const replace = (domain: DomainName) =>
      db().uow.run(({ tenancy }) => tenancy.replaceWebhookKey(domain, 'new key', at(24)));
    expect(await replace(name)).toBe(true);
    expect([await keyOf(name), await keyOf(db().otherDomain)]).toEqual(['new key', others]);
    expect(await replace(brandAs<DomainName>('nowhere.test'))).toBe(false);
  });
}
