import { isReceiverPort } from '@parley/domain';
import { isAddressAllowed, type AllowedReceivers, type Reach, type ReachPolicy } from '@parley/server-kit';

/** The receiver's address, port or scheme is not one we connect to. The message is fit for the webhook's owner. */
export class ReceiverRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ReceiverRefusedError';
  }
}

/**
 * Where receivers may stand.
 * @param extraPorts ports besides the usual ones
 * @param allowed what may be called although it is not on the public internet
 */
export function receiverReach(policy: ReachPolicy, extraPorts: readonly number[], allowed: AllowedReceivers): Reach {
  return {
    checkTarget: ({ protocol, port }) => {
      checkScheme(protocol, policy);
      checkPort(port, policy, extraPorts);
    },
    allows: (address) => isAddressAllowed(address, policy) || allowed.hasAddress(address),
    refusal: () => new ReceiverRefusedError('The receiver has an address that is not on the public internet.'),
  };
}

function checkScheme(protocol: string, policy: ReachPolicy): void {
  if (protocol === 'https:' || (policy === 'local-too' && protocol === 'http:')) return;
  throw new ReceiverRefusedError('Only https receivers are called.');
}

function checkPort(port: string, policy: ReachPolicy, extra: readonly number[]): void {
  if (port === '' || policy === 'local-too' || isReceiverPort(Number(port), extra)) return;
  throw new ReceiverRefusedError(`Receivers are called on the ports ${[80, 443, ...extra].join(', ')} only.`);
}
