import { DomainError, type ReplicaId, type RoomSessionId, type SessionId } from '@parley/domain';
import type { Live, LiveTimes, OpenOptions, OwnedSession, SessionRecord, SessionSink } from '../port';
import type { LiveStore } from '../store';
import { allOf } from './all-of';
import { Arrivals } from './arrivals';
import { asksOf } from './asks';
import { Chores } from './chores';
import type { LiveLogger, ReplicaContext } from './context';
import { Departures } from './departures';
import { Expiries } from './expiries';
import { announceFeatures, featuredOf } from './featured';
import { Feeds } from './feeds';
import { admit, identitiesOf } from './identity';
import { LiveSession } from './live-session';
import { Losses } from './losses';
import { Peers } from './peers';
import { roomsOf } from './rooms';
import { resumeSession } from './resuming';
import { Shortcut } from './shortcut';
import { SessionTopics } from './session-topics';
import { sendingOf } from './sending';
import { Upkeep } from './upkeep';
import { openVirtual } from './virtual-session';
import { Virtuals } from './virtuals';

type OccupancyListener = (room: RoomSessionId, occupied: boolean) => void;

/** How many characters of JSON a record's attributes may take. */
const ATTRIBUTES_LIMIT = 16 * 1024;

/** One replica's live layer over a store. The same for memory and Redis: only the store differs. */
export function createReplica(replica: ReplicaId, opened: LiveStore, times: LiveTimes, logger: LiveLogger): Live {
  const peers = new Peers(opened.rooms);
  const store: LiveStore = { ...opened, rooms: peers.rooms };
  const listeners: OccupancyListener[] = [];
  const sessions = new Map<SessionId, LiveSession>();
  const chores = new Chores(logger);
  const arrivals = new Arrivals();
  const ctx: ReplicaContext = {
    get shortcut() {
      return shortcut;
    },
    replica,
    store,
    times,
    logger,
    sessions,
    feeds: new Feeds(() => ctx),
    arrivals,
    topics: new SessionTopics(store.bus, (id, text) => {
      arrivals.hear(id, text);
      sessions.get(id)?.onSignal(text);
    }),
    chores,
    virtuals: new Virtuals(),
    expiries: new Expiries(store.rooms),
    sweep: () => upkeep.doDue(),
    losses: new Losses(() => store.registry.generation(), times.generationGraceMs),
    leaseValid: () => upkeep.leaseValid(),
    renewLease: () => upkeep.renewLease(),
    doubt: () => upkeep.doubt(),
    holds: (id) => sessions.has(id) || arrivals.has(id),
    suspect: () => upkeep.suspect(),
    occupancy: (room, occupied) => {
      const { registry } = store;
      chores.soon(`listed ${room}`, () =>
        occupied ? registry.enlist('rooms', [room]) : registry.delist('rooms', room),
      );
      for (const listener of listeners) listener(room, occupied);
    },
    departures: new Departures(store, times.departureMs, chores, logger),
  };
  const upkeep = new Upkeep(ctx);
  const shortcut = new Shortcut(ctx);
  store.bus.onInterrupted(() => {
    for (const session of sessions.values()) session.markDirty();
    for (const feed of ctx.feeds.all()) feed.markDirty();
    upkeep.suspect();
  });
  return faceOf(ctx, upkeep, upkeep.start(), listeners, peers);
}

/** What a replica shows to the rest of the house. */
function faceOf(
  ctx: ReplicaContext,
  upkeep: Upkeep,
  started: Promise<void>,
  listeners: OccupancyListener[],
  peers: Peers,
): Live {
  const { replica, store } = ctx;
  let closing: Promise<void> | undefined;
  return {
    replica,
    sessions: {
      open: (record, sink, options) => started.then(() => openSession(ctx, record, sink, options ?? {})),
      resume: (id, secret, sink, lastSeen) => started.then(() => resumeSession(ctx, id, secret, sink, lastSeen)),
      ...sendingOf(ctx),
      ...identitiesOf(ctx),
      ...featuredOf(ctx),
      openVirtual: (parent, record) => openVirtual(ctx, parent, record),
      virtuals: (parent) => ctx.virtuals.of(parent),
    },
    rooms: { ...roomsOf(ctx), ...peers.face() },
    asks: asksOf(ctx),
    guards: store.guards,
    events: {
      onOccupancy: (listener) => void listeners.push(listener),
      onPeers: (listener) => peers.listen(listener),
      onLeft: (listener) => ctx.departures.listen(listener),
      expect: (member) => ctx.departures.expect(member),
    },
    census: async () => {
      const [all, rooms] = await Promise.all([store.registry.listed('sessions'), store.registry.listed('rooms')]);
      return { sessions: all, rooms };
    },
    healthy: () => store.healthy(),
    close: () => (closing ??= started.then(() => closeReplica(ctx, upkeep))),
  };
}

async function openSession(
  ctx: ReplicaContext,
  record: SessionRecord,
  sink: SessionSink,
  { limit }: OpenOptions,
): Promise<OwnedSession> {
  if (JSON.stringify(record.attributes).length > ATTRIBUTES_LIMIT) {
    throw new DomainError('invalid_input', 'The session carries too many attributes.');
  }
  const { store } = ctx;
  const { registry, sessions } = store;
  await admit(ctx, record, limit);
  // It is owned before it is held: nobody is to take it for left over.
  const signals = ctx.arrivals.expect(record.id);
  const session = new LiveSession(ctx, record, 1, sink, { session: 0 });
  try {
    // Before there is anything to hear, and to find if this replica dies.
    await allOf(ctx.topics.acquire(record.id), registry.own(ctx.replica, record.id));
    ctx.sessions.set(record.id, session);
    ctx.arrivals.forget(record.id, signals);
    await sessions.open(record, ctx.replica);
    // Whoever finds it by these finds that it is there.
    await allOf(
      registry.addUser(record.tenant, record.userId, record.id),
      announceFeatures(ctx, record),
      registry.enlist('sessions', [record.id]),
    );
  } catch (error) {
    ctx.arrivals.forget(record.id, signals);
    await session.close();
    await registry.dismiss(record.tenant, record.id).catch(() => undefined); // or it is forgotten in a while
    throw error;
  }
  session.activateSoon();
  return session;
}

async function closeReplica(ctx: ReplicaContext, upkeep: Upkeep): Promise<void> {
  ctx.expiries.close();
  ctx.shortcut.close();
  await upkeep.stop();
  await Promise.all([...ctx.sessions.values()].map((session) => session.detach()));
  await ctx.departures.close();
  // Not retired: what could not be given up now is left to those who find this replica silent.
  await ctx.store.close();
}
