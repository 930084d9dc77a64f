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

/** Does what nobody is answered for: what it throws is logged, and that is all. */
export async function attempted(
  to: Parameters<typeof wireFailure>[0],
  during: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    wireFailure(to, error, during);
  }
}
