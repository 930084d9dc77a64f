/** A signal that follows others. */
export interface Following {
  readonly signal: AbortSignal;
  /** It follows no longer. To be called when the work is over. */
  release(): void;
}

/**
 * Aborts when one of the others does. `AbortSignal.any` would leave something of each piece of work behind in a signal that lives
 * as long as the process (measured on Node 20: about 100 bytes).
 */
export function following(...others: readonly AbortSignal[]): Following {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const other of others) {
    if (other.aborted) abort();
    else other.addEventListener('abort', abort);
  }
  return {
    signal: controller.signal,
    release: () => {
      for (const other of others) other.removeEventListener('abort', abort);
    },
  };
}
