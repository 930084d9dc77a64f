import { brandAs, DomainError, type DomainName, type RobotId, type SessionId } from '@parley/domain';
import type { OwnedSession } from '@parley/live';
import { Metrics } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import { rightToAttributes } from '../spreed/entry-right';
import { ROBOT_REMOVED, ROBOT_TIMES, RobotDesk, type RobotDeskParts } from './robot-desk';

const ROBOT = brandAs<RobotId>(1);
const SESSION = brandAs<SessionId>('session');
const right = {
  kind: 'robot',
  robot: ROBOT,
  domain: brandAs<DomainName>('example'),
  keyMark: 'of the old key',
} as const;
// Only what is read of it here.
const session = { record: { id: SESSION, kind: 'robot', attributes: rightToAttributes(right) } } as OwnedSession;

test('who has another key by now is ended, though the store was away when that was seen first', async () => {
  const tries: string[] = [];
  const settled: SessionId[] = [];
  const end = async (id: SessionId, detail: string) => {
    tries.push(`${id} ${detail}`);
    if (tries.length === 1) throw new DomainError('unavailable', 'The store does not answer.');
    return true;
  };
  const metrics = new Metrics('test');
  const desk = new RobotDesk({
    deliveries: {
      lapse: async () => 0,
      freshStart: async () => undefined,
      waiting: async () => [],
      letGo: async (id: SessionId) => void settled.push(id),
    },
    roll: { keyMarks: async () => new Map([[ROBOT, 'of the new key']]) },
    sessions: { end },
    times: { ...ROBOT_TIMES, lookMs: 10 },
    metrics,
    logger: { error: () => undefined, warn: () => undefined, debug: () => undefined },
  } as unknown as RobotDeskParts);
  try {
    desk.arrived(session);
    await eventually(
      () => settled.length > 0,
      () => `its session to be ended: ${tries.join()}`,
      15_000,
    );
    expect(tries).toEqual([`${SESSION} ${ROBOT_REMOVED}`, `${SESSION} ${ROBOT_REMOVED}`]);
  } finally {
    await desk.close();
    await metrics.close();
  }
});
