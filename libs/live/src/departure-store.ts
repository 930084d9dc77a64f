/** A note that somebody is out of a room, or may be; kept until those who had to hear of it have. */
export interface DepartureNote {
  /** One presence of one session. A newer note takes the place of the one before. */
  readonly key: string;
  /** Which note this is. One that is being told of has another token than it was written with. */
  readonly token: string;
  readonly json: string;
}

/** What replicas still have to tell of departures. */
export interface DepartureStore {
  /** Writes a note that comes due after a while. One with the same token that is there already stays as it is. */
  note(note: DepartureNote, inMs: number): Promise<void>;
  /** Lets it come due now, if it is still this one. */
  hasten(key: string, token: string): Promise<void>;
  /** Takes it, for as long as telling may take. Undefined: somebody else did, or it is another one by now. */
  take(key: string, token: string): Promise<string | undefined>;
  /** Takes what is due. What is not settled in time is due again. */
  claim(limit: number): Promise<readonly DepartureNote[]>;
  /** Forgets it, if it is still this one. */
  settle(key: string, token: string): Promise<void>;
}
