import { brandAs, cryptoIds, WebhookKeyService, type DomainName } from '@parley/domain';
import { house, refusal } from './house';

function setUp() {
  const base = house();
  return { ...base, keys: new WebhookKeyService(base.memory.uow, cryptoIds, base.clock) };
}

it('gives a domain a new webhook key, with an overlap of 24 h unless somebody says otherwise', async () => {
  const { keys, owner, domain, memory, clock } = setUp();
  const hours = (count: number) => new Date(clock.now().getTime() + count * 3_600_000);
  const usual = await keys.rotate(owner, domain);
  expect(usual.webhookKey).toMatch(/^[0-9a-f]{64}$/);
  expect(usual.formerSignsUntil).toEqual(hours(24));
  expect((await memory.stores.tenancy.domain(domain))?.webhookKey).toBe(usual.webhookKey);
  expect((await keys.rotate(owner, domain, 168)).formerSignsUntil).toEqual(hours(168));
  const atOnce = await keys.rotate(owner, domain, 0);
  expect(atOnce.formerSignsUntil).toBeNull();
  expect(atOnce.webhookKey).not.toBe(usual.webhookKey);
});

it('does so for the account it belongs to, and within a week', async () => {
  const { keys, owner, stranger, domain } = setUp();
  expect(await refusal(keys.rotate(stranger, domain))).toBe('domain_not_found');
  expect(await refusal(keys.rotate(owner, brandAs<DomainName>('nowhere.test')))).toBe('domain_not_found');
  for (const hours of [-1, 169, 1.5, Number.NaN]) {
    expect(await refusal(keys.rotate(owner, domain, hours))).toBe('invalid_input');
  }
});
