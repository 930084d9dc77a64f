import type { Effect, Input } from '@parley/protocol-spreed-signaling';
import { throttleKey } from '@parley/server-kit';
import type { Driver } from './connection-runner';

/** How patient a replica is with sockets that nobody has been let in on. */
export interface DoorstepLimits {
  /** How many of one address (IPv6: one /64 network) may wait at the same time. */
  readonly perAddress: number;
  /** How long one may wait in total, however many hellos are refused meanwhile. */
  readonly patienceMs: number;
  /** What it gets on top when a hello is just being decided. */
  readonly graceMs: number;
}

export const DOORSTEP_LIMITS: DoorstepLimits = { perAddress: 100, patienceMs: 30_000, graceMs: 5_000 };

/** One socket, from its connection to its end. */
export interface Waiting {
  /** Told when its time is up, to say so; a socket that is still there a little later is cut. */
  onLate(remind: () => void): void;
  /** A hello was accepted. */
  admitted(): void;
  /** Whoever was let in has left, but the socket is still there. */
  again(): void;
  /** The socket is gone. */
  gone(): void;
}

/** The sockets of this replica on which no hello was accepted yet, by address: nobody may fill the house from outside. */
export class Doorstep {
  private readonly counts = new Map<string, number>();

  constructor(private readonly limits: DoorstepLimits = DOORSTEP_LIMITS) {}

  /** Whether one more from this address may come. */
  hasRoomFor(address: string): boolean {
    return (this.counts.get(throttleKey(address)) ?? 0) < this.limits.perAddress;
  }

  /**
   * A socket came, and waits from now on.
   * @param cut ends it at once
   */
  enter(address: string, cut: () => void): Waiting {
    const key = throttleKey(address);
    let remind = cut;
    let isGone = false;
    let timer: NodeJS.Timeout | undefined;
    const stop = () => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      this.count(key, -1);
    };
    const end = () => {
      isGone = true;
      stop();
    };
    const late = () => {
      timer = setTimeout(cut, this.limits.graceMs);
      remind();
    };
    const start = () => {
      if (timer !== undefined || isGone) return;
      this.count(key, 1);
      timer = setTimeout(late, this.limits.patienceMs);
    };
    start();
    return { onLate: (tell) => (remind = tell), admitted: stop, again: start, gone: end };
  }

  private count(key: string, change: 1 | -1): void {
    const count = (this.counts.get(key) ?? 0) + change;
    if (count > 0) this.counts.set(key, count);
    else this.counts.delete(key);
  }
}

/** The same driver; `admitted` hears when a hello was accepted. */
export function tellAdmission(driver: Driver<Input, Effect>, admitted: () => void): Driver<Input, Effect> {
  return {
    perform: (effect) => {
      const answer = driver.perform(effect);
      if (!answer || (effect.kind !== 'open-session' && effect.kind !== 'resume-session')) return answer;
      return answer.then((input) => {
        if (input !== undefined && 'outcome' in input && input.outcome.ok) admitted();
        return input;
      });
    },
  };
}
