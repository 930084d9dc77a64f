import type { CoreEvent, JsonObject, SessionId } from '@parley/domain';
import type { SessionRecord } from '@parley/live';
import type { Sealer } from '@parley/persistence';
import type { Place } from './inbound-frames';

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
  /** Of the last frame from there that stands in the session's log, as far as it is known; later ones have marks. */
  readonly lastSeq?: string | undefined;
}

const KEY = 'federation';

/** What a frame's place is called in the session's log. */
export function markOf({ remoteSessionId, seq }: Place): string {
  return JSON.stringify([remoteSessionId, seq]);
}

/** The state after the frames that wait in the session's log for its client. */
export function stateAfter(state: FederationState, missed: readonly CoreEvent[]): FederationState {
  const marks = missed.flatMap((event) => (event.kind === 'relayed' && event.mark !== undefined ? [event.mark] : []));
  const [session, seq] = marks.length === 0 ? [] : (JSON.parse(marks[marks.length - 1] ?? '[]') as string[]); // markOf()
  return session === state.remoteSessionId ? { ...state, lastSeq: seq } : state;
}

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
