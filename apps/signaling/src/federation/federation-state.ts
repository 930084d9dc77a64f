import type { JsonObject, SessionId } from '@parley/domain';
import type { SessionRecord } from '@parley/live';
import type { Sealer } from '@parley/persistence';

/** What another replica needs to go on with a connection to another cluster. */
export interface FederationState {
  readonly socketUrl: string;
  /** URL of the backend the room belongs to. */
  readonly url: string;
  readonly token: string;
  readonly localRoom: string;
  readonly remoteRoom: string;
  readonly foreignSessionId: string | undefined;
  readonly remoteSessionId: string;
  readonly resumeId: string;
}

const KEY = 'federation';

/** Keeps that state among the attributes of the session, sealed: it holds a token and a resume id. */
export class FederationStates {
  constructor(private readonly sealer: Pick<Sealer, 'seal' | 'open'>) {}

  /** @param state undefined: it is in no room of another cluster */
  attributes(record: SessionRecord, state: FederationState | undefined): JsonObject {
    const { [KEY]: _former, ...others } = record.attributes;
    return state === undefined
      ? others
      : { ...others, [KEY]: this.sealer.seal(placeOf(record.id), JSON.stringify(state)) };
  }

  /** Undefined: it is in no room of another cluster, or whoever wrote it had other keys. */
  of(record: SessionRecord): FederationState | undefined {
    const sealed = record.attributes[KEY];
    if (typeof sealed !== 'string') return undefined;
    try {
      return JSON.parse(this.sealer.open(placeOf(record.id), sealed)) as FederationState; // written by attributes()
    } catch {
      return undefined;
    }
  }
}

function placeOf(id: SessionId) {
  return { table: 'session', row: id, column: KEY };
}
