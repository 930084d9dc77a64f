import { randomUUID } from 'node:crypto';
import {
  brandAs,
  type CoreEvent,
  type DoorPolicy,
  type ReplicaId,
  type RoomSessionId,
  type SessionId,
  type TenantKey,
} from '@parley/domain';
import { verifierOf } from '../../src/cursor';
import { createReplica } from '../../src/engine/replica';
import type {
  Cursor,
  DepartedMember,
  Departure,
  JoinOutcome,
  JoinRequest,
  Live,
  LiveTimes,
  OwnedSession,
  SessionRecord,
} from '../../src/index';
import type { LiveStore } from '../../src/store';
import { breakable, type Breakable } from './breakable';
import { RecordingSink } from './sink';

/** What an implementation hands to the suite. */
export interface Backend {
  connect(times: LiveTimes): LiveStore;
  /** Loses everything, as FLUSHALL does. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Times short enough for tests and long enough for a busy machine: whatever a dialogue does not wait for lasts longer
 * than the dialogue.
 */
export const TIMES: LiveTimes = {
  resumeWindowMs: 20_000,
  heartbeatMs: 100,
  deadAfterMs: 3_000,
  checkpointMs: 50,
  reannounceMs: 400,
  halfDoneJoinMs: 5_000,
  generationGraceMs: 1_500,
  departureMs: 4_000,
};

/** For dialogues that wait until a window ends: who stands still until it is taken for dead comes back in time. */
export const BRIEF_WINDOW: LiveTimes = { ...TIMES, resumeWindowMs: 6_000 };

export const TENANT = brandAs<TenantKey>('domain:chat.example');

export interface Node extends Omit<Breakable, 'store'> {
  readonly live: Live;
  readonly store: LiveStore;
  /** What it reported about a room. */
  occupancy(room: RoomSessionId): string[];
  /** Who it reported to be out of a room; of none: who was expected and did not come. */
  departed(room: RoomSessionId | undefined): DepartedMember[];
  open(name: string, options?: PersonOptions): Promise<Person>;
  resume(person: Person, lastSeen?: Cursor): Promise<Person | undefined>;
}

export interface PersonOptions {
  readonly userId?: string;
  readonly tenant?: TenantKey;
  readonly kind?: SessionRecord['kind'];
  readonly features?: readonly string[];
  readonly reads?: boolean;
  /** How many sessions its tenant may have. */
  readonly limit?: number;
}

/** A session with the connection that holds it. */
export interface Person {
  readonly id: SessionId;
  readonly secret: string;
  readonly session: OwnedSession;
  readonly sink: RecordingSink;
  /** Joins `room`; throws unless admitted. */
  join(room: RoomSessionId, change?: Partial<JoinRequest>): Promise<Extract<JoinOutcome, { kind: 'joined' }>>;
  ask(room: RoomSessionId, change?: Partial<JoinRequest>): Promise<JoinOutcome>;
}

/** Several replicas on one backend. */
export class World {
  private readonly nodes: Node[] = [];
  private serial = 0;

  constructor(
    private readonly backend: Backend,
    readonly times: LiveTimes = TIMES,
  ) {}

  /** @param hears what it does when it is told of a departure; `never`: it does not listen */
  node(hears: ((departure: Departure) => Promise<void>) | 'never' = async () => undefined): Node {
    const broken = breakable(this.backend.connect(this.times));
    const replica = brandAs<ReplicaId>(`replica-${randomUUID()}`);
    const warnings = { warn: (fields: object, message: string) => console.warn(message, fields) };
    const live = createReplica(replica, broken.store, this.times, warnings);
    const reports: [RoomSessionId, string][] = [];
    const departures: Departure[] = [];
    if (hears !== 'never') {
      live.events.onLeft(async (departure) => {
        departures.push(departure);
        await hears(departure);
      });
    }
    live.events.onOccupancy((room, occupied) => reports.push([room, occupied ? 'occupied' : 'empty']));
    const node: Node = {
      ...broken,
      live,
      occupancy: (room) => reports.flatMap(([of, report]) => (of === room ? [report] : [])),
      departed: (room) => departures.flatMap((departure) => (departure.room === room ? [departure.member] : [])),
      open: (name, options) => this.open(live, name, options ?? {}),
      resume: (person, lastSeen) => resume(live, person, lastSeen),
    };
    this.nodes.push(node);
    return node;
  }

  room(): RoomSessionId {
    return brandAs<RoomSessionId>(`rs_${++this.serial}_${randomUUID()}`);
  }

  flush(): Promise<void> {
    return this.backend.flush();
  }

  async close(): Promise<void> {
    for (const node of this.nodes) node.thaw();
    await Promise.all(this.nodes.map((node) => node.live.close()));
  }

  private async open(live: Live, name: string, options: PersonOptions): Promise<Person> {
    const secret = randomUUID();
    const record: SessionRecord = {
      id: brandAs<SessionId>(`${name}.${randomUUID()}`),
      tenant: options.tenant ?? TENANT,
      kind: options.kind ?? 'client',
      userId: options.userId ?? name,
      features: options.features ?? [],
      dialect: 'test',
      resumeVerifier: verifierOf(secret),
      attributes: { name, list: [], nothing: {} },
    };
    const sink = new RecordingSink(name, options.reads ?? true);
    return person(await live.sessions.open(record, sink, options), secret, sink);
  }
}

async function resume(live: Live, before: Person, lastSeen?: Cursor): Promise<Person | undefined> {
  const sink = new RecordingSink(before.sink.name);
  const outcome = await live.sessions.resume(before.id, before.secret, sink, lastSeen);
  if (outcome.kind === 'no_such_session') return undefined;
  sink.session = outcome.session;
  for (const delivery of outcome.missed) sink.deliver(delivery);
  return person(outcome.session, before.secret, sink);
}

function person(session: OwnedSession, secret: string, sink: RecordingSink): Person {
  sink.session = session;
  const ask: Person['ask'] = (room, change) => session.join(joinRequest(room, session.record, change));
  return {
    id: session.record.id,
    secret,
    session,
    sink,
    ask,
    async join(room, change) {
      const outcome = await ask(room, change);
      if (outcome.kind === 'refused') throw new Error(`${sink.name} was refused: ${outcome.code}`);
      return outcome;
    },
  };
}

export const POLICY: DoorPolicy = {
  version: 1,
  type: 'conference',
  locked: false,
  capacity: 100,
  passwordVersion: 0,
  hasHostKey: false,
};

function joinRequest(room: RoomSessionId, record: SessionRecord, change: Partial<JoinRequest> = {}): JoinRequest {
  return {
    room,
    policy: POLICY,
    role: 'by-arrival',
    passwordVersion: 0,
    passesLock: false,
    member: { kind: record.kind, userId: record.userId, features: [], user: { tags: [] } },
    ...change,
  };
}

/** A message with a text one can look for. */
export function say(text: string, from = 'somebody'): CoreEvent {
  const sender = { sessionId: brandAs<SessionId>(from), userId: from };
  return { kind: 'message', channel: 'message', addressed: 'session', sender, dialect: 'test', raw: text };
}
