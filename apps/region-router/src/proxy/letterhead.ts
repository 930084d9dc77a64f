import type { InternalAuth, InternalCall } from '@parley/server-kit';

/** More different calls than a router sees in a second; what callers write must not fill the memory. */
const MAX_KEPT = 2_000;

/**
 * Signs what routers say about calls, once for all calls of a second that say the same: most come from few back ends
 * about few domains, and signing costs an eighth of passing a call on. The time that a signature states is accepted with
 * minutes of tolerance, so a second does not matter.
 */
export class Letterhead {
  private second = 0;
  private readonly kept = new Map<string, string>();

  constructor(private readonly auth: InternalAuth) {}

  /** As {@link InternalAuth.sign}. */
  sign(call: InternalCall, now: Date): string {
    const second = Math.floor(now.getTime() / 1_000);
    if (second !== this.second || this.kept.size >= MAX_KEPT) this.kept.clear();
    this.second = second;
    const key = keyOf(call);
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    const signature = this.auth.sign(call, new Date(second * 1_000));
    this.kept.set(key, signature);
    return signature;
  }
}

/** All that is signed. No part can hold a line break, so two calls with one key say the same. */
function keyOf({ method, path, from, hops, says = {} }: InternalCall): string {
  let key = `${method}\n${path}\n${from}\n${hops}`;
  for (const name in says) key += `\n${name}\n${says[name]}`;
  return key;
}
