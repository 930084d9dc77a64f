import { ok, type ForeignPresence, type JsonObject, type Result, type SessionId } from '@parley/domain';
import type { Backend, BackendStore } from '@parley/persistence';
import { readAcknowledgement, virtualRequestBody, wireError, type WireError } from '@parley/protocol-spreed-signaling';
import type { NextcloudClient } from './nextcloud-client';

/** What a backend needs to know of a virtual session that comes. */
export interface VirtualArrival {
  readonly user: JsonObject | undefined;
  readonly inCall: number;
}

/** Tells backends of virtual sessions. */
export class VirtualNotices {
  constructor(
    private readonly backends: Pick<BackendStore, 'byId'>,
    private readonly nextcloud: Pick<NextcloudClient, 'requestUrl' | 'send'>,
  ) {}

  /** How a backend is told; undefined when it has no URL. */
  async presenceAt(
    backend: Backend,
    room: string,
    who: Pick<ForeignPresence, 'userId' | 'actor'>,
  ): Promise<ForeignPresence | undefined> {
    const [base] = backend.urls;
    if (base === undefined) return undefined;
    const url = await this.nextcloud.requestUrl(backend, { base, version: '1' });
    return { backend: backend.id, url, room, ...who };
  }

  /** Ok when the backend took note of it; an announcement without an actor only has to arrive (brief 7.4). */
  async arrived(
    id: SessionId,
    at: ForeignPresence,
    { user, inCall }: VirtualArrival,
  ): Promise<Result<undefined, WireError>> {
    return this.tell(id, at, (who) => virtualRequestBody('add', { ...who, user, inCall }));
  }

  /** Ok also when there is nobody left who would want to know. */
  async left(id: SessionId, at: ForeignPresence): Promise<Result<undefined, WireError>> {
    const told = await this.tell(id, at, (who) => virtualRequestBody('remove', { ...who, user: undefined, inCall: 0 }));
    return !told.ok && told.error.code === 'no_such_room' ? ok(undefined) : told;
  }

  private async tell(
    sessionId: SessionId,
    { backend: backendId, url, room: roomId, userId, actor }: ForeignPresence,
    bodyOf: (
      who: Pick<Parameters<typeof virtualRequestBody>[1], 'sessionId' | 'roomId' | 'userId' | 'actor'>,
    ) => string,
  ): Promise<Result<undefined, WireError>> {
    const backend = await this.backends.byId(backendId);
    // It was removed meanwhile.
    if (backend === null) return { ok: false, error: wireError('no_such_room') };
    const answer = await this.nextcloud.send(backend, url, bodyOf({ sessionId, roomId, userId, actor }));
    if (!answer.ok) return answer;
    return actor === undefined ? ok(undefined) : readAcknowledgement(answer.value);
  }
}
