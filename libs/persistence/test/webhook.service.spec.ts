import { brandAs, DEFAULT_EVENTS, WebhookService, type DomainName, type WebhookId } from '@parley/domain';
import { house, named, refusal } from './house';

function setUp(answer: (id: WebhookId) => boolean, insecureWebhooks = false) {
  const base = house({ insecureWebhooks });
  const asked: Array<[account: string, id: number, timeoutMs: number]> = [];
  const service = new WebhookService(
    base.memory.uow,
    {
      requestAndWait: async (account, id, timeoutMs) => {
        asked.push([account, id, timeoutMs]);
        return answer(id);
      },
    },
    base.clock,
    { extraPorts: [], mayBeReceiver: (hostname, local) => local || hostname !== '127.0.0.1' },
  );
  return { ...base, service, asked };
}

/** A robot of a domain, by its id. */
async function robotOf({ memory, clock }: Pick<ReturnType<typeof setUp>, 'memory' | 'clock'>, domain: DomainName) {
  const { id } = await memory.stores.robots.insert({ domain, name: 'a robot' }, 'hash', clock.now());
  return { type: 'robot' as const, robotId: Number(id) };
}

const url = (text: string) => ({ type: 'url' as const, url: text });

it('adds a URL and waits 5 s for its handshake', async () => {
  const { service, owner, domain, asked } = setUp(() => true);
  const added = await service.add(owner, { domain, target: url('https://a.test/h') });
  const told = { roomName: null, target: url('https://a.test/h'), order: 'unordered', detailed: false };
  const active = { events: DEFAULT_EVENTS, validated: true, state: { kind: 'active' } };
  expect(added).toEqual({ id: 1025, domain, ...told, ...active });
  expect(asked).toEqual([[owner, 1025, 5_000]]);
});

it('answers validated: false when the handshake takes longer or fails', async () => {
  const { service, owner, domain } = setUp(() => false);
  expect((await service.add(owner, { domain, target: url('https://a.test/h') })).validated).toBe(false);
});

it('takes a robot of the account at its word, and no other', async () => {
  const base = setUp(() => false);
  const { service, owner, domain, asked, memory, clock } = base;
  const target = await robotOf(base, domain);
  const added = await service.add(owner, { domain, roomName: named('r'), target });
  expect(added).toMatchObject({ roomName: 'r', validated: true });
  expect(await service.validate(owner, added.id)).toBe(true);
  expect(asked).toEqual([]);
  for (const robotId of [-1, 1.5, Number.NaN]) {
    expect(await refusal(service.add(owner, { domain, target: { type: 'robot', robotId } }))).toBe('invalid_input');
  }
  const strange = await robotOf(base, brandAs<DomainName>('elsewhere.example'));
  const removed = await robotOf(base, domain);
  await memory.stores.robots.remove(brandAs(removed.robotId), clock.now());
  for (const other of [{ type: 'robot' as const, robotId: 5 }, strange, removed]) {
    expect(await refusal(service.add(owner, { domain, target: other }))).toBe('robot_not_found');
  }
  expect(await service.list(owner, domain)).toEqual([expect.objectContaining({ id: added.id })]);
});

it('allows plain http in the demo domain only', async () => {
  const target = url('http://127.0.0.1:1/');
  const demo = setUp(() => true, true);
  await demo.service.add(demo.owner, { domain: demo.domain, target });
  const other = setUp(() => true);
  expect(await refusal(other.service.add(other.owner, { domain: other.domain, target }))).toBe(
    'webhook_url_not_allowed',
  );
  expect(await other.service.list(other.owner, other.domain)).toEqual([]);
});

it('keeps at most 100 per domain, and the one too many leaves nothing behind', async () => {
  const base = setUp(() => true);
  const { service, owner, domain } = base;
  const target = await robotOf(base, domain);
  const add = () => service.add(owner, { domain, target });
  for (let n = 0; n < 100; n += 1) await add();
  expect(await refusal(add())).toBe('not_allowed');
  const listed = await service.list(owner, domain);
  expect(listed).toHaveLength(100);
  await service.remove(owner, listed[0]?.id ?? brandAs<WebhookId>(0));
  await add();
});

it('does the handshake again on demand', async () => {
  const { service, owner, domain, asked, memory } = setUp(() => true);
  const { id } = await service.add(owner, { domain, target: url('https://a.test/h') });
  memory.settleValidation(id, true);
  expect(await service.validate(owner, id)).toBe(true);
  expect(asked.at(-1)).toEqual([owner, id, 5_000]);
  expect(await memory.stores.webhooks.handshakeOutcome(id)).toBeNull();
});

it('lists, and removes once', async () => {
  const { service, owner, domain } = setUp(() => false);
  const one = await service.add(owner, { domain, target: url('https://a.test/one') });
  const two = await service.add(owner, { domain, target: url('https://a.test/two') });
  expect(await service.list(owner, domain, { token: 'two' })).toEqual([two]);
  await service.remove(owner, one.id);
  expect(await refusal(service.remove(owner, one.id))).toBe('webhook_not_found');
  expect(await service.list(owner, domain)).toEqual([two]);
});

it('reaches no webhook and no domain of another tenant, and does not tell them from unknown ones', async () => {
  const { service, owner, stranger, domain, memory } = setUp(() => true);
  const { id } = await service.add(owner, { domain, target: url('https://a.test/h') });
  for (const each of [id, brandAs<WebhookId>(99)]) {
    expect(await refusal(service.remove(stranger, each))).toBe('webhook_not_found');
    expect(await refusal(service.validate(stranger, each))).toBe('webhook_not_found');
  }
  expect(await refusal(service.add(stranger, { domain, target: url('https://b.test/') }))).toBe('domain_not_found');
  expect(await refusal(service.list(stranger, domain))).toBe('domain_not_found');
  expect(await memory.stores.webhooks.find(id)).not.toBeNull();
});
