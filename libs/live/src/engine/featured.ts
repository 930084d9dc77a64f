import { brandAs, type SessionId, type TenantKey } from '@parley/domain';
import type { LiveSessions, SessionRecord } from '../port';
import { allOf } from './all-of';
import type { ReplicaContext } from './context';

/** Sessions that can be found by what they can do. They are kept where users are, for a tenant that nobody belongs to. */
export function featuredOf(ctx: ReplicaContext): Pick<LiveSessions, 'withFeature'> {
  const { registry, sessions } = ctx.store;
  return {
    async withFeature(tenant, feature) {
      const listed = await registry.userSessions(ableOf(tenant), feature);
      const look = async (id: SessionId): Promise<SessionId[]> => {
        const info = await sessions.find(id);
        // The list may be ahead of the truth.
        if (info === undefined) await registry.removeUser(ableOf(tenant), feature, id);
        return info?.attached ? [id] : [];
      };
      return (await Promise.all(listed.map(look))).flat();
    },
  };
}

/** Lists a session under its features, if it is one that others look for. */
export async function announceFeatures(
  ctx: ReplicaContext,
  { kind, tenant, id, features }: SessionRecord,
): Promise<void> {
  if (kind !== 'internal') return;
  await allOf(...features.map((feature) => ctx.store.registry.addUser(ableOf(tenant), feature, id)));
}

/** Anything may be the name of a user, and whoever may send to users could reach what stood among them. */
function ableOf(tenant: TenantKey): TenantKey {
  return brandAs<TenantKey>(`${tenant}\u0000features`);
}
