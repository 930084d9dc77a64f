import { brandAs, DomainError, type DomainName, type RobotId, type SessionId, type WebhookId } from '@parley/domain';
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

test('where one who has another key by now cannot be ended, others are handed theirs, and it is tried again', async () => {
  const OTHER = brandAs<RobotId>(2);
  const attributes = rightToAttributes({ ...right, robot: OTHER });
  const other = { record: { id: brandAs<SessionId>('other'), kind: 'robot', attributes } } as OwnedSession;
  const tries: SessionId[] = [];
  const warnings: string[] = [];
  const places = new Set<SessionId>();
  const failures: string[] = [];
  const metrics = new Metrics('test');
  const desk = new RobotDesk({
    deliveries: {
      lapse: async () => 0,
      freshStart: async () => undefined,
      waiting: async () => [ROBOT, OTHER].map((robot) => ({ id: brandAs<WebhookId>(robot), robot, fifo: false })),
      unacknowledged: async () => new Map(),
      hand: async (_webhook: unknown, sessions: readonly SessionId[]) => {
        for (const id of sessions) places.add(id);
        return [];
      },
    },
    roll: {
      keyMarks: async () =>
        new Map([
          [ROBOT, 'of the new key'],
          [OTHER, right.keyMark],
        ]),
    },
    sessions: {
      end: async (id: SessionId) => {
        tries.push(id);
        throw new Error('Its record cannot be read.');
      },
    },
    times: { ...ROBOT_TIMES, lookMs: 10 },
    metrics,
    logger: {
      error: ({ err }: { err: unknown }) => void failures.push(String(err)),
      warn: ({ reason }: { reason: string }) => void warnings.push(reason),
      debug: () => undefined,
    },
  } as unknown as RobotDeskParts);
  try {
    desk.arrived(session);
    desk.arrived(other);
    await eventually(
      () => tries.length > 1 && places.size > 0,
      () => `two tries and somebody to be handed something: ${tries.length}, ${[...places].join()}, ${failures[0]}`,
      15_000,
    );
    expect(new Set(tries)).toEqual(new Set([SESSION]));
    expect(warnings).toContain('Error: Its record cannot be read.');
    expect(failures).toEqual([]);
  } finally {
    await desk.close();
    await metrics.close();
  }
  expect([...places]).toEqual([other.record.id]);
});
