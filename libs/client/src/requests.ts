import { errorOf } from './greeting';
import type { Frame, Line } from './line';
import { ParleyError, type Json } from './parley-error';

interface Waiter {
  resolve(frame: Frame): void;
  reject(error: ParleyError): void;
}

/** What a session asked its gateway and waits for. */
export class Requests {
  private made = 0;
  private readonly waiting = new Map<string, Waiter>();

  /** @param answerMs how long each may take */
  constructor(private readonly answerMs: number) {}

  /** Resolves with the answer. @throws ParleyError unreachable when none comes, or with the refusal */
  ask(line: Line | undefined, type: string, body: Json): Promise<Frame> {
    const id = `${type}-${(this.made += 1)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(silent(type))), this.answerMs);
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        how();
      };
      this.waiting.set(id, {
        resolve: (frame) => settle(() => resolve(frame)),
        reject: (error) => settle(() => reject(error)),
      });
      line?.send({ id, type, [type]: body });
    });
  }

  /** Hands an answer to whoever waits for it; false when nobody does. */
  take(frame: Frame): boolean {
    const waiter = typeof frame.id === 'string' ? this.waiting.get(frame.id) : undefined;
    if (waiter === undefined) return false;
    if (frame.type === 'error') waiter.reject(errorOf(frame));
    else waiter.resolve(frame);
    return true;
  }

  rejectAll(error: ParleyError): void {
    for (const waiter of [...this.waiting.values()]) waiter.reject(error);
  }
}

export const silent = (type: string) => new ParleyError('unreachable', `The request ${type} was not answered.`);
