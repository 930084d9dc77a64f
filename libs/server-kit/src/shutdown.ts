import type { Logger } from './logging';
import type { UnknownErrorReporter } from './unknown-errors';

export interface ShutdownOptions {
  readonly logger: Logger;
  readonly errors: UnknownErrorReporter;
  /** Ends the service in good order. */
  readonly close: () => Promise<void>;
  /** After this the process ends whether it is done or not, in milliseconds. */
  readonly deadlineMs: number;
  readonly exit: (code: number) => void;
}

/**
 * Ends the service on SIGTERM or SIGINT; a second signal ends it at once. A rejection nobody handled is logged and the
 * process goes on: only the work that failed is lost. After an uncaught exception the state is unknown, so it ends with 1.
 * @returns takes all listeners back
 */
export function watchProcess(options: ShutdownOptions): () => void {
  const { logger, errors, exit } = options;
  let ending = false;
  const end = (code: number, why: string) => {
    if (ending) return exit(code === 0 ? 130 : code);
    ending = true;
    logger.info({ why }, 'shutting down');
    const timer = setTimeout(() => {
      logger.error({ deadlineMs: options.deadlineMs }, 'shutdown takes too long; giving up');
      exit(1);
    }, options.deadlineMs);
    timer.unref();
    options.close().then(
      () => exit(code),
      (error: unknown) => {
        errors.report(error, { during: 'shutdown' });
        exit(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals) => end(0, signal);
  const onRejection = (reason: unknown) => void errors.report(reason, { source: 'unhandledRejection' });
  const onException = (error: unknown) => {
    errors.report(error, { source: 'uncaughtException' });
    end(1, 'uncaughtException');
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  process.on('unhandledRejection', onRejection).on('uncaughtException', onException);
  return () => {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    process.off('unhandledRejection', onRejection).off('uncaughtException', onException);
  };
}
