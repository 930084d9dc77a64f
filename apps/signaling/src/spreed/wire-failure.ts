import { isDomainError } from '@parley/domain';
import { DIALECT, thrownToWire, type WireError } from '@parley/protocol-spreed-signaling';
import type { Logger, UnknownErrorReporter } from '@parley/server-kit';

/** Logs what was thrown, if nobody expected it, and says what the client is told. */
export function wireFailure(
  to: { readonly logger: Logger; readonly errors: UnknownErrorReporter },
  error: unknown,
  during: string,
): WireError {
  if (!isDomainError(error)) to.errors.report(error, { during, protocol: DIALECT });
  else if (error.code === 'unavailable') to.logger.warn({ during }, 'the live layer or database is away');
  return thrownToWire(error);
}
