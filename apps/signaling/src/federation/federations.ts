import { setTimeout as pause } from 'node:timers/promises';
import { isDomainError, type CoreEvent, type SessionId } from '@parley/domain';
import type { LiveSessions, OwnedSession } from '@parley/live';
import type { Backend, BackendStore, Sealer } from '@parley/persistence';
import {
  DIALECT,
  remoteSocketUrl,
  serverName,
  wireError,
  type FederatedRoom,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import { every, type Background, type Logger, type UnknownErrorReporter } from '@parley/server-kit';
import { ReachRules } from '../spreed/backend-agent';
import { rightOf, type EntryRight } from '../spreed/entry-right';
import type { NextcloudClient, PingEntry } from '../spreed/nextcloud-client';
import { FederationLink } from './federation-link';
import { FederationStates, stateAfter, type FederationState } from './federation-state';
import { entryOf, FEDERATION_TIMES, type FederateRequest, type FederationTimes, type LinkHome } from './link-terms';

export interface FederationsParts {
  readonly version: string;
  readonly sessions: Pick<LiveSessions, 'toSession' | 'setAttributes' | 'find'>;
  readonly backends: Pick<BackendStore, 'byId'>;
  readonly nextcloud: Pick<NextcloudClient, 'ping'>;
  readonly sealer: Pick<Sealer, 'seal' | 'open'>;
  readonly logger: Logger;
  readonly errors: UnknownErrorReporter;
  readonly times?: Partial<FederationTimes> | undefined;
  /** How often backends hear of their people who are guests elsewhere, in milliseconds. */
  readonly pingMs?: number | undefined;
}

type BackendRight = Extract<EntryRight, { kind: 'backend' }>;

interface Guest {
  readonly link: FederationLink;
  readonly owned: OwnedSession;
  readonly right: BackendRight;
  /** Hears that the session is in no room of another cluster any more. */
  readonly ended: () => void;
  /** What could not be kept because the client was gone just then. */
  unkept?: FederationState | undefined;
  seenElsewhere?: boolean; // when it was looked at last
}

/** How often it is looked whether sessions without a client are still to be spoken for, in milliseconds. */
const WATCH_MS = 1_000;

/** How often, and how long apart, a frame is tried to be put into a log that is not there. */
const MAX_TRIES = 40;
const TRY_AGAIN_MS = 250;

/** How long a replica that goes away waits for what it has read to be in the logs. */
const SETTLE_MS = 2_000;

/** The sessions of this replica that are guests of other clusters. */
export class Federations {
  private readonly guests = new Map<SessionId, Guest>();
  /** Where the people of each backend may go. */
  private readonly reach = new Map<string, ReachRules>();
  private readonly states: FederationStates;
  private readonly loops: readonly Background[];
  private closing = false;

  constructor(private readonly parts: FederationsParts) {
    const { sealer, logger, pingMs = 10_000 } = parts;
    this.states = new FederationStates(sealer);
    this.loops = [
      every('federation pings', pingMs, () => this.ping(), logger),
      every('federation watch', WATCH_MS, () => this.watch(), logger),
    ];
  }

  /**
   * Lets a session enter a room of another cluster, over the connection it has there if it has one. Its room of before
   * is left once that worked.
   * @param ended hears when it is in no room of another cluster any more, without having asked
   */
  async join(owned: OwnedSession, request: FederateRequest, ended: () => void): Promise<WireError | undefined> {
    const { record } = owned;
    const right = rightOf(record);
    const socketUrl = remoteSocketUrl(request.target.signaling);
    if (right.kind !== 'backend' || record.kind !== 'client') return wireError('federation_unsupported');
    if (socketUrl === undefined) return wireError('invalid_format');
    const backend = await this.parts.backends.byId(right.backendId);
    if (backend === null) return wireError('invalid_backend');
    const entry = entryOf(request, socketUrl);
    const known = this.guests.get(record.id);
    if (known?.link.serves(entry)) return known.link.enter(entry);
    const guest = this.newGuest(owned, right, backend, ended);
    const error = await guest.link.enter(entry);
    if (error !== undefined) return error;
    if (guest.link.isOver) return wireError('federation_error');
    known?.link.end();
    this.guests.set(record.id, guest);
    try {
      if (owned.room !== undefined) await owned.leave();
      return undefined;
    } catch (error) {
      // It stays where it was. One that is not here any more goes on there when it comes back.
      if (!isDomainError(error, 'session_not_found')) guest.link.throwOut();
      throw error;
    }
  }

  /** Hands a frame of the client on. */
  send(id: SessionId, text: string): void {
    this.guests.get(id)?.link.send(text);
  }

  /** Resolves once the client's answer is on its way. */
  async leave(id: SessionId, requestId: string | undefined): Promise<void> {
    await this.guests.get(id)?.link.leave(requestId);
  }

  /** The session is over, or has entered a room of this cluster. */
  async end(owned: OwnedSession, goesOn: boolean): Promise<void> {
    const guest = this.guests.get(owned.record.id);
    guest?.link.end();
    if (guest !== undefined && goesOn) await this.keep(owned, undefined);
  }

  /**
   * The client is gone for now: the connection is held for it. To be waited for before the session is given up.
   * Undefined: it is in no room of another cluster, or has another connection here by now.
   */
  detach(owned: OwnedSession): Promise<void> | undefined {
    const guest = this.guests.get(owned.record.id);
    return guest?.owned === owned ? guest.link.detach() : undefined;
  }

  /**
   * The client of a resumed session is here: its connection is taken over, also that of another replica.
   * @param missed what waited for the client
   */
  async attach(
    owned: OwnedSession,
    missed: readonly CoreEvent[],
    ended: () => void,
  ): Promise<FederatedRoom | undefined> {
    const { id } = owned.record;
    const known = this.guests.get(id);
    const kept = known?.unkept ?? this.states.of(owned.record);
    const right = rightOf(owned.record);
    if (kept === undefined || right.kind !== 'backend') return undefined;
    const state = stateAfter(kept, missed);
    if (known?.unkept !== undefined) await this.keep(owned, state);
    // What this replica still has is only of use if the session was not elsewhere meanwhile.
    const same = known?.link.room !== undefined && known.link.remoteResumeId === state.resumeId;
    if (known !== undefined && same) {
      known.link.attached = true;
      this.guests.set(id, { ...known, owned, ended, unkept: undefined, seenElsewhere: false });
      return { roomId: state.localRoom };
    }
    await known?.link.drop();
    const backend = await this.parts.backends.byId(right.backendId);
    if (backend === null) return undefined;
    const guest = this.newGuest(owned, right, backend, ended);
    this.guests.set(id, guest);
    guest.link.resume(state);
    return { roomId: state.localRoom };
  }

  /** Everything that was read so far is in the logs. To be called while the sessions are still here. */
  async settle(): Promise<void> {
    const settled = Promise.all([...this.guests.values()].map(({ link }) => link.settle()));
    await Promise.race([settled, pause(SETTLE_MS, undefined, { ref: false })]);
  }

  /** Lets go of all connections, for other replicas to go on with. */
  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(this.loops.map((loop) => loop.close()));
    await Promise.all([...this.guests.values()].map(({ link }) => link.drop()));
  }

  /** Backends may have changed: from now on connections are made by their present rules. */
  async backendsChanged(): Promise<void> {
    for (const id of [...this.reach.keys()]) {
      const backend = await this.parts.backends.byId(id);
      // Of one that was removed the sessions are ended elsewhere; until then they go nowhere new.
      this.reach.set(id, new ReachRules(backend?.allowPrivate ?? []));
    }
  }

  private newGuest(owned: OwnedSession, right: BackendRight, backend: Backend, ended: () => void): Guest {
    const { id, features } = owned.record;
    const { reach } = this;
    const rules = new ReachRules(backend.allowPrivate);
    reach.set(backend.id, rules);
    const { errors, version, times } = this.parts;
    const home: LinkHome = {
      session: id,
      features,
      backendUrl: right.requestUrl,
      get rules() {
        return reach.get(backend.id) ?? rules;
      },
      headers: { 'user-agent': serverName(version) },
      times: { ...FEDERATION_TIMES, ...times },
      deliver: (raw, mark) => this.deliver(guest, raw, mark),
      keep: (state) => this.tryToKeep(this.guests.get(id) ?? guest, state),
      note: (state) => this.keepIfHeld((this.guests.get(id) ?? guest).owned, state).then(() => undefined),
      failed: (error) => errors.report(error, { during: 'federation' }),
      ended: (outside) => {
        const present = this.guests.get(id);
        if (present?.link !== link) return;
        this.guests.delete(id);
        if (outside) present.ended();
      },
    };
    const link = new FederationLink(home);
    const guest: Guest = { link, owned, right, ended };
    return guest;
  }

  /**
   * Appends to the session's log. A store that is away, or has just lost everything and is filled again, is waited for
   * until somebody else goes on with the session; the other cluster is not read meanwhile.
   * @returns false: the session is gone
   */
  private async deliver({ link, owned }: Guest, raw: string, mark: string | undefined): Promise<boolean> {
    const { id, tenant } = owned.record;
    const event = { kind: 'relayed', dialect: DIALECT, raw, ...(mark === undefined ? {} : { mark }) } as const;
    for (let tries = 1; !link.isDropped && !this.closing;) {
      try {
        if ((await this.parts.sessions.toSession(tenant, id, event)) === 'sent') return true;
        if (!link.attached || tries >= MAX_TRIES) return false;
        tries += 1;
      } catch (error) {
        if (!isDomainError(error) || error.code !== 'unavailable') throw error;
      }
      await pause(TRY_AGAIN_MS);
    }
    return true;
  }

  /** Only whoever holds the session may write; if nobody does at the moment, it is kept when its client comes back. */
  private async tryToKeep(guest: Guest, state: FederationState | undefined): Promise<void> {
    if (!(await this.keepIfHeld(guest.owned, state))) guest.unkept = state;
  }

  private async keepIfHeld(owned: OwnedSession, state: FederationState | undefined): Promise<boolean> {
    try {
      await this.keep(owned, state);
      return true;
    } catch (error) {
      if (!isDomainError(error) || error.code !== 'session_not_found') throw error;
      return false;
    }
  }

  private async keep(owned: OwnedSession, state: FederationState | undefined): Promise<void> {
    const { record } = owned;
    await this.parts.sessions.setAttributes(record.id, this.states.attributes(record, state));
  }

  /** Sessions without a client either wait for it, or have ended, or were resumed elsewhere. */
  private async watch(): Promise<void> {
    for (const [id, guest] of this.guests) {
      const { link } = guest;
      if (link.attached) continue;
      const info = await this.parts.sessions.find(id);
      if (info === undefined) link.end();
      else if (info.attached && !link.attached) {
        // Its client may be just coming back to this replica: a way that is open is worth a second look.
        if (guest.seenElsewhere || !link.room || !link.serves(link.room)) await link.drop();
        guest.seenElsewhere = true;
      }
    }
  }

  /** Their own backend keeps the presence of its people alive, wherever they are guests (brief 2.8). */
  private async ping(): Promise<void> {
    const byBackend = new Map<string, Map<string, PingEntry[]>>();
    for (const { link, right } of this.guests.values()) {
      if (link.room?.foreignSessionId === undefined) continue;
      const { room, foreignSessionId } = link.room;
      const urls = byBackend.get(right.backendId) ?? new Map<string, PingEntry[]>();
      const entries = urls.get(right.requestUrl) ?? [];
      entries.push({ roomId: room.local, userId: right.userId, sessionId: foreignSessionId });
      byBackend.set(right.backendId, urls.set(right.requestUrl, entries));
    }
    await Promise.all([...byBackend].map(([backendId, urls]) => this.pingBackend(backendId, urls)));
  }

  private async pingBackend(backendId: string, urls: ReadonlyMap<string, readonly PingEntry[]>): Promise<void> {
    const backend = await this.parts.backends.byId(backendId);
    if (backend === null) return;
    for (const [url, entries] of urls) await this.parts.nextcloud.ping(backend, url, entries);
  }
}
