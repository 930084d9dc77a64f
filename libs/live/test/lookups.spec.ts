import { brandAs, type SessionId, type TenantKey } from '@parley/domain';
import type { ReplicaContext } from '../src/engine/context';
import { identitiesOf } from '../src/engine/identity';

test('a list of thousands of foreign ids leaves the store free for others in between', async () => {
  let underWay = 0;
  let most = 0;
  const foreignHolder = async (_tenant: TenantKey, id: string) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    return id === 'nc 4999' ? brandAs<SessionId>('somebody') : undefined;
  };
  // As much of a replica as is used here.
  const replica = { store: { registry: { foreignHolder } } } as unknown as ReplicaContext;
  const ids = Array.from({ length: 5_000 }, (_, index) => `nc ${index}`);
  const found = await identitiesOf(replica).byForeignId(brandAs<TenantKey>('backend:talk'), ids);
  expect([...found]).toEqual([['nc 4999', 'somebody']]);
  expect(most).toBeLessThanOrEqual(64);
});
