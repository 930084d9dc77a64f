import { ClientAddresses, createGuardedAgent, isAddressAllowed, systemResolve, type Reach } from '@parley/server-kit';
import type { Agent } from 'undici';

/** Thrown when a backend's URL, or another cluster's, leads where it must not. */
export class BackendRefusedError extends Error {
  override readonly name = 'BackendRefusedError';
}

/** Which addresses one backend may have, and the clusters its people are guests of. */
export class ReachRules implements Reach {
  private readonly allowed: ClientAddresses;

  /** @param allowPrivate ranges (CIDR) that are fine although they are not public */
  constructor(readonly allowPrivate: readonly string[]) {
    this.allowed = new ClientAddresses(allowPrivate);
  }

  /** Plain http goes only where the operator allowed it: nothing on the way may read along. */
  allows(address: string, protocol = 'https:'): boolean {
    if (this.allowed.isTrusted(address)) return true;
    return protocol === 'https:' && isAddressAllowed(address, 'public');
  }

  /** Plain http is for private networks only. */
  checkTarget({ protocol }: { readonly protocol: string }): void {
    if (protocol === 'https:') return;
    if (protocol !== 'http:' || this.allowPrivate.length === 0) throw new BackendRefusedError('only https is allowed');
  }

  refusal(): BackendRefusedError {
    return new BackendRefusedError('it has an address that is not allowed');
  }
}

/** An agent for one backend. Operators choose its URLs, so they may be names that only this machine knows. */
export function createBackendAgent(reach: ReachRules, connectTimeoutMs: number): Agent {
  return createGuardedAgent({ reach, resolve: systemResolve(), connectTimeoutMs, agent: { connections: 8 } });
}
