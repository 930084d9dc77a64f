/** A room by its name on either side. */
export interface RoomNames {
  readonly local: string;
  readonly remote: string;
}

/** Somebody as Talk names them: a kind of actor and an id. */
export interface ActorName {
  readonly type: string;
  readonly id: string;
}

export interface FederationFacts {
  readonly session: RoomNames;
  /** The room it is in, and the one it is just entering. */
  readonly rooms: readonly RoomNames[];
  /** The backends on both sides, as {@link cloudOf} writes them. */
  readonly cloud: RoomNames;
  /** Base URL of the other side's backend, without a slash at the end: where people of its are at home. */
  readonly remoteServer: string;
}

const USERS = 'users';
const FEDERATED = 'federated_users';

/** Values that belong to one session, by their key (brief 2.8). */
const SESSION_KEY = 'sd:';

/** How a cloud is called in the ids of its users: its address without scheme and without a slash at the end. */
export function cloudOf(baseUrl: string): string {
  return baseUrl.replace(/^[a-z]+:\/\//i, '').replace(/\/+$/, '');
}

/**
 * Everything that is called differently by the client and by the cluster it is a guest of (brief 2.8): its session, its
 * room, and people, who are users on one side and people of another cloud on the other. What both call the same comes
 * back as it was.
 */
export class FederationNames {
  constructor(private readonly facts: FederationFacts) {}

  /** Whether this is the client itself, in the words of either side. */
  isSelf(sessionId: string): boolean {
    const { local, remote } = this.facts.session;
    return sessionId === local || sessionId === remote;
  }

  localSession(id: string): string {
    const { local, remote } = this.facts.session;
    return id === remote ? local : id;
  }

  remoteSession(id: string): string {
    const { local, remote } = this.facts.session;
    return id === local ? remote : id;
  }

  localRoom(id: string): string {
    return this.facts.rooms.find(({ remote }) => remote === id)?.local ?? id;
  }

  localKey(key: string): string {
    return key.startsWith(SESSION_KEY) ? SESSION_KEY + this.localSession(key.slice(SESSION_KEY.length)) : key;
  }

  remoteKey(key: string): string {
    return key.startsWith(SESSION_KEY) ? SESSION_KEY + this.remoteSession(key.slice(SESSION_KEY.length)) : key;
  }

  localActor({ type, id }: ActorName): ActorName {
    const { local, remote } = this.facts.cloud;
    if (type === USERS) return { type: FEDERATED, id: `${id}@${remote}` };
    if (type !== FEDERATED) return { type, id };
    const at = id.lastIndexOf('@');
    return at > 0 && cloudOf(id.slice(at + 1)) === local ? { type: USERS, id: id.slice(0, at) } : { type, id };
  }

  /** Base URL of the cloud of somebody who is mentioned; undefined: the reader's own. */
  localServer(server: string | undefined): string | undefined {
    if (server === undefined) return this.facts.remoteServer;
    return cloudOf(server) === this.facts.cloud.local ? undefined : server;
  }
}
