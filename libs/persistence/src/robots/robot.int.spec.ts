import { brandAs, type DomainName } from '@parley/domain';
import { eventually } from '@parley/testing';
import { DOMAIN, useTenantDatabase } from '../../test/delivery-world';

const database = useTenantDatabase(DOMAIN);
const domain = brandAs<DomainName>(DOMAIN);

test('a robot that a webhook is just being added for is removed after that, and the webhook with it', async () => {
  const { stores, uow, prisma } = database();
  const { id } = await stores.robots.insert({ domain, name: 'r' }, 'hash', new Date());
  const { hook, removing } = await uow.run(async ({ robots, webhooks }) => {
    await robots.hold(id);
    const removal = stores.robots.remove(id, new Date());
    const waits = () => prisma.$queryRaw<unknown[]>`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await eventually(async () => (await waits()).length === 1, 'the removal to wait');
    const target = { type: 'robot' as const, robotId: Number(id) };
    const added = await webhooks.insert({ domain, target }, new Date());
    // In an array, so that it is not awaited here: it waits for the end of this transaction.
    return { hook: added.id, removing: [removal] };
  });
  expect(await Promise.all(removing)).toEqual([true]);
  expect(await stores.webhooks.find(hook)).toBeNull();
});
