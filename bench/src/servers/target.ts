/** Something to measure: a server, or several that work together. */
export interface Target {
  readonly id: TargetId;
  /** For people. */
  readonly title: string;
  /** Of the program measured. */
  readonly version: string;
  /** Starts it anew. @param backendUrl the only Nextcloud it lets people in from */
  start(backendUrl: string): Promise<RunningTarget>;
}

export type TargetId = 'parley-1' | 'parley-2' | 'go-1' | 'go-2';

export interface RunningTarget {
  /** Where clients connect, `ws://…/spreed`. */
  readonly urls: readonly string[];
  /** Every process that works for it, for each its name. */
  readonly processes: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}
