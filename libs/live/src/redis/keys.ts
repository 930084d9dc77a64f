import type { ReplicaId, RoomSessionId, SessionId, TenantKey } from '@parley/domain';
import type { Topic } from '../store';

/** Names of keys and channels. What stands in braces decides the node, so everything a script touches shares it. */
export class Keys {
  constructor(private readonly prefix: string) {}

  session(id: SessionId): [record: string, log: string, channel: string] {
    const tag = `${this.prefix}{s:${id}}`;
    return [`${tag}:rec`, `${tag}:log`, `${tag}:ch`];
  }

  room(id: RoomSessionId): [state: string, members: string, log: string, channel: string] {
    const tag = `${this.prefix}{r:${id}}`;
    return [`${tag}:st`, `${tag}:mem`, `${tag}:log`, `${tag}:ch`];
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

  guard(kind: 'seen' | 'hits' | 'lease', name: string): string {
    return `${this.prefix}{g:${kind}:${name}}`;
  }
}
