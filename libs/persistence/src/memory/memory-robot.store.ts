import { brandAs, keyMarkOf, numericId, type RobotId, type RobotStore } from '@parley/domain';
import type { MemoryRobot, MemoryState } from './memory-state';

/** Robots in memory. */
export function memoryRobotStore(state: () => MemoryState, regionNumber: number): RobotStore {
  const present = (id: RobotId): MemoryRobot | undefined => {
    const stored = state().robots.get(id);
    return stored?.removed === false ? stored : undefined;
  };
  return {
    insert: async ({ domain, name }, keyHash, now) => {
      const id = brandAs<RobotId>(numericId(state().robots.size + 1, regionNumber));
      const robot = { id, domain, name, createdAt: now };
      state().robots.set(id, { robot, keyHash, removed: false });
      return robot;
    },
    find: async (id) => present(id)?.robot ?? null,
    list: async (domains) =>
      [...state().robots.values()]
        .filter(({ removed, robot }) => !removed && domains.includes(robot.domain))
        .map(({ robot }) => robot),
    hold: async () => undefined,
    remove: async (id) => {
      const stored = present(id);
      if (stored === undefined) return false;
      state().robots.set(id, { ...stored, removed: true });
      for (const [webhookId, each] of state().webhooks) {
        const { target } = each.webhook;
        if (target.type === 'robot' && target.robotId === Number(id)) {
          state().webhooks.set(webhookId, { ...each, removed: true });
        }
      }
      return true;
    },
    replaceKey: async (id, keyHash) => {
      const stored = present(id);
      if (stored) state().robots.set(id, { ...stored, keyHash });
      return stored !== undefined;
    },
    byKey: async (id, keyHash) => {
      const stored = present(id);
      return stored?.keyHash === keyHash ? { ...stored.robot, keyMark: keyMarkOf(keyHash) } : null;
    },
    keyMarks: async (ids) =>
      new Map(
        ids.flatMap((id) => {
          const stored = present(id);
          return stored === undefined ? [] : [[id, keyMarkOf(stored.keyHash)] as const];
        }),
      ),
  };
}
