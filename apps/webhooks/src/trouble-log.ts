import type { Logger } from '@parley/server-kit';

const QUIET_MS = 10_000;

/** Logs trouble with Redis, at most one line in ten seconds: each connection reports each vain try to reconnect. */
export function troubleLog(logger: Pick<Logger, 'warn'>): (error: Error) => void {
  let quietUntil = 0;
  return (error) => {
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + QUIET_MS;
    logger.warn({ reason: error.message }, 'trouble with the queue');
  };
}
