import { brandAs, type ReplicaId, type RoomSessionId, type SessionId, type TenantKey } from '@parley/domain';
import type { Listed } from '../registry-store';
import type { Topic } from '../store';

/** Names of keys and channels. What stands in braces decides the node, so everything a script touches shares it. */
export class Keys {
  constructor(private readonly prefix: string) {}

  session(id: SessionId): [record: string, log: string, channel: string] {
    const tag = `${this.prefix}{s:${id}}`;
    return [`${tag}:rec`, `${tag}:log`, `${tag}:ch`];
  }

  /** State, members, log, channel, transient values, their deadlines, documents. */
  room(id: RoomSessionId): [string, members: string, string, string, string, string, documents: string] {
    const tag = `${this.prefix}{r:${id}}`;
    const [st, mem, log, ch] = [`${tag}:st`, `${tag}:mem`, `${tag}:log`, `${tag}:ch`];
    return [st, mem, log, ch, `${tag}:tr`, `${tag}:exp`, `${tag}:doc`];
  }

  /** A room's comings and goings. */
  peers(room: RoomSessionId): string {
    return `${this.prefix}{r:${room}}:peers`;
  }

  /** Where the members of a room are: of all rooms with `*`. */
  membersOf(room: string): string {
    return `${this.prefix}{r:${room}}:mem`;
  }

  /** Whose members are here. */
  roomOf(membersKey: string): RoomSessionId {
    const [before = '', after = ''] = this.membersOf('*').split('*');
    return brandAs<RoomSessionId>(membersKey.slice(before.length, -after.length));
  }

  /** Shows whether the part of a cluster that this tag is in lost its data. */
  mark(tag: string): string {
    return `${this.prefix}{${tag}}`;
  }

  channel(topic: Topic): string {
    return `${this.prefix}{${topic}}:ch`;
  }

  user(tenant: TenantKey, userId: string): string {
    return `${this.prefix}{u:${tenant}|${userId}}`;
  }

  owned(replica: ReplicaId): string {
    return `${this.prefix}{o:${replica}}`;
  }

  get replicas(): [beats: string, generation: string] {
    return [`${this.prefix}{live}:replicas`, `${this.prefix}{live}:generation`];
  }

  get due(): string {
    return `${this.prefix}{due}`;
  }

  get dueRooms(): string {
    return `${this.prefix}{due-rooms}`;
  }

  get departures(): [due: string, notes: string] {
    return [`${this.prefix}{left}:due`, `${this.prefix}{left}:notes`];
  }

  /** The sessions that count for a tenant's limit. */
  counted(tenant: TenantKey): string {
    return `${this.prefix}{n:${tenant}}`;
  }

  /** All sessions, or all rooms with somebody in them. */
  listed(kind: Listed): string {
    return `${this.prefix}{all:${kind}}`;
  }

  foreign(tenant: TenantKey, foreignId: string): string {
    return `${this.prefix}{f:${tenant}|${foreignId}}`;
  }

  virtuals(parent: SessionId): string {
    return `${this.prefix}{v:${parent}}`;
  }

  ask(askId: string): [answer: string, channel: string] {
    return [`${this.prefix}{a:${askId}}:val`, this.channel(`a:${askId}`)];
  }

  guard(kind: 'seen' | 'hits' | 'lease', name: string): string {
    return `${this.prefix}{g:${kind}:${name}}`;
  }
}
