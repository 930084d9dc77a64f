import { isReceiverPort } from '@parley/domain';
import type { ReachPolicy } from '@parley/server-kit';

/** The receiver's address, port or scheme is not one we connect to. The message is fit for the webhook's owner. */
export class ReceiverRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ReceiverRefusedError';
  }
}

/** @throws ReceiverRefusedError when the scheme is not allowed */
export function checkScheme(protocol: string, policy: ReachPolicy): void {
  if (protocol === 'https:' || (policy === 'local-too' && protocol === 'http:')) return;
  throw new ReceiverRefusedError('Only https receivers are called.');
}

/**
 * @param port as `URL.port` gives it: empty for the scheme's own
 * @param extra ports besides the usual ones
 * @throws ReceiverRefusedError when receivers do not listen there
 */
export function checkPort(port: string, policy: ReachPolicy, extra: readonly number[]): void {
  if (port === '' || policy === 'local-too' || isReceiverPort(Number(port), extra)) return;
  throw new ReceiverRefusedError(`Receivers are called on the ports ${[80, 443, ...extra].join(', ')} only.`);
}
