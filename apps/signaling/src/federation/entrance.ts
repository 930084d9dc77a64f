import { federationFrames, type RemoteFrame, type WireError } from '@parley/protocol-spreed-signaling';
import { newId, type FederationEntry } from './link-terms';

interface Asked {
  readonly id: string;
  readonly entry: FederationEntry;
  readonly timer: NodeJS.Timeout;
  readonly settle: (error?: WireError) => void;
}

/** The room of another cluster that is asked for, until there is an answer or it took too long. */
export class Entrance {
  private asked: Asked | undefined;

  /** @param late the answer did not come in time */
  constructor(
    private readonly timeoutMs: number,
    private readonly late: () => void,
  ) {}

  get entry(): FederationEntry | undefined {
    return this.asked?.entry;
  }

  expect(entry: FederationEntry, settle: (error?: WireError) => void): void {
    this.asked = { id: newId(), entry, timer: setTimeout(this.late, this.timeoutMs), settle };
  }

  /** The frame that asks for it; undefined when nothing is asked for. */
  request(): string | undefined {
    if (this.asked === undefined) return undefined;
    const { id, entry } = this.asked;
    return federationFrames.join(id, entry.room.remote, entry.foreignSessionId);
  }

  isAnswer({ id }: RemoteFrame): boolean {
    return id !== undefined && id === this.asked?.id;
  }

  /** It is decided: nothing is asked for any more. */
  take(): Pick<Asked, 'entry' | 'settle'> | undefined {
    const { asked } = this;
    clearTimeout(asked?.timer);
    this.asked = undefined;
    return asked;
  }
}
