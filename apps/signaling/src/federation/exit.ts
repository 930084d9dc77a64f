import { federationFrames, withId, type RemoteFrame } from '@parley/protocol-spreed-signaling';
import { newId } from './link-terms';

interface Asked {
  readonly id: string;
  readonly timer: NodeJS.Timeout;
  readonly done: (answer?: string) => void;
}

/** The client's wish to leave, until the other cluster answered or it took too long. */
export class Exit {
  private asked: Asked | undefined;

  constructor(private readonly timeoutMs: number) {}

  /**
   * @param id of the client's request: the answer gets it
   * @param done called once, without an answer when there is none
   * @returns the frame that asks for it
   */
  ask(id: string | undefined, done: (answer?: string) => void): string {
    const timer = setTimeout(() => this.settle(), this.timeoutMs);
    this.asked = { id: newId(), timer, done: (answer) => done(answer && withId(answer, id)) };
    return federationFrames.leave(this.asked.id);
  }

  isAnswer({ id }: RemoteFrame): boolean {
    return id !== undefined && id === this.asked?.id;
  }

  /** @returns whether somebody waited */
  settle(answer?: string): boolean {
    const { asked } = this;
    clearTimeout(asked?.timer);
    this.asked = undefined;
    asked?.done(answer);
    return asked !== undefined;
  }
}
