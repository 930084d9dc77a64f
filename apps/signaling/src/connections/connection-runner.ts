/** A protocol's side of a connection, pure. */
export interface Machine<State, Input, Effect> {
  initial(): State;
  step(state: State, input: Input): { readonly state: State; readonly effects: readonly Effect[] };
}

/** Carries out what a machine wants. A promise holds back the client's further frames until its answer was fed. */
export interface Driver<Input, Effect> {
  perform(effect: Effect): Promise<Input | undefined> | void;
}

/** What a runner tells its surroundings. */
export interface RunnerHooks {
  /** The inbox is full (true) or empty again (false). */
  readonly congested: (full: boolean) => void;
  /** An effect or the machine itself threw: a bug. The connection is to be ended. */
  readonly broken: (error: unknown) => void;
}

/** Frames of a client that may wait. */
export const INBOX_LIMIT = 16;

/**
 * Drives one connection's state machine. The client's frames are taken one after the other, each after everything the
 * one before has set off; timers and events from elsewhere come in between.
 */
export class ConnectionRunner<State, Input, Effect> {
  private state: State;
  private readonly inbox: Input[] = [];
  private readonly urgent: Input[] = [];
  private stepping = false;
  private outstanding = 0;
  private congested = false;
  private broken = false;

  constructor(
    private readonly machine: Machine<State, Input, Effect>,
    private readonly driver: Driver<Input, Effect>,
    private readonly hooks: RunnerHooks,
  ) {
    this.state = machine.initial();
  }

  /** Something the client sent, or its end: waits for its turn. */
  receive(input: Input): void {
    if (this.broken) return;
    this.inbox.push(input);
    if (this.inbox.length >= INBOX_LIMIT) this.congest(true);
    this.run();
  }

  /** Something from elsewhere: taken at once. */
  feed(input: Input): void {
    if (this.broken) return;
    this.urgent.push(input);
    this.run();
  }

  /** What waits in the inbox. */
  get backlog(): number {
    return this.inbox.length;
  }

  private run(): void {
    // An effect may feed the next input: it waits until the present step is done.
    if (this.stepping) return;
    this.stepping = true;
    try {
      for (let input = this.next(); input !== undefined; input = this.next()) this.step(input);
    } catch (error) {
      this.fail(error);
    } finally {
      this.stepping = false;
    }
    if (this.inbox.length === 0) this.congest(false);
  }

  private next(): Input | undefined {
    if (this.broken) return undefined;
    return this.urgent.shift() ?? (this.outstanding === 0 ? this.inbox.shift() : undefined);
  }

  private step(input: Input): void {
    const { state, effects } = this.machine.step(this.state, input);
    this.state = state;
    for (const effect of effects) {
      const answer = this.driver.perform(effect);
      if (answer) this.await(answer);
    }
  }

  private await(answer: Promise<Input | undefined>): void {
    this.outstanding += 1;
    answer.then(
      (input) => {
        this.outstanding -= 1;
        if (input !== undefined) this.urgent.push(input);
        this.run();
      },
      (error: unknown) => {
        this.outstanding -= 1;
        this.fail(error);
      },
    );
  }

  private fail(error: unknown): void {
    if (this.broken) return;
    this.broken = true;
    this.hooks.broken(error);
  }

  private congest(full: boolean): void {
    if (this.congested === full) return;
    this.congested = full;
    this.hooks.congested(full);
  }
}
