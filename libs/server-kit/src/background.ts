import type { Logger } from './logging';

/** A loop that runs until it is closed. */
export interface Background {
  /** Stops it; resolves once a run under way has ended. */
  close(): Promise<void>;
}

/**
 * Runs `work` every `ms` milliseconds, the first time after `ms`. A run never overlaps the one before it; a failure is
 * logged and the loop goes on. `signal` aborts when the loop is closed.
 */
export function every(
  name: string,
  ms: number,
  work: (signal: AbortSignal) => Promise<unknown>,
  logger: Pick<Logger, 'error'>,
): Background {
  const stop = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const run = async () => {
    try {
      await work(stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) logger.error({ err: error, loop: name }, 'background work failed');
    }
    if (!stop.signal.aborted) arm();
  };
  const arm = () => {
    timer = setTimeout(() => {
      running = run();
    }, ms);
  };
  arm();
  return {
    close: () => {
      stop.abort();
      clearTimeout(timer);
      return running;
    },
  };
}
