import { DomainError } from '@parley/domain';
import { eventually } from '@parley/testing';
import type { Bus, LiveStore } from '../../src/store';

/** A store whose replica can die or freeze, without the others noticing anything but silence. */
export interface Breakable {
  readonly store: LiveStore;
  /** As after kill -9: nothing goes out, nothing comes in, for good. */
  kill(): void;
  /** As a stopped process: nothing happens until `thaw`, which finds everything that came meanwhile. */
  freeze(): void;
  thaw(): void;
  /** Its subscriptions lose everything until `hear`. */
  deafen(): void;
  hear(): void;
  /**
   * Lets the next call of a method fail as if the store had not answered, before or after it did the work; with `dying`
   * the replica is killed before.
   */
  failOn(method: string, when: 'before' | 'after' | 'dying'): void;
  /** Calls of a method wait from now on, those with `first` as their first argument, until they are let go, or `thaw`. */
  hold(method: string, first?: string): { readonly isWaiting: boolean; letGo(): void };
  /** How many calls of a method were answered. */
  answers(method: string): number;
  /** Resolves once this many messages were lost on their way in. */
  missed(count: number): Promise<unknown>;
  /** Resolves once the replica has written a checkpoint that began after this call. */
  checkpointed(): Promise<void>;
}

/** Calls of a method that wait. */
class Held {
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly method: string,
    private readonly first: string | undefined,
  ) {}

  get isWaiting(): boolean {
    return this.waiting.length > 0;
  }

  takes(method: string, first: unknown): boolean {
    return this.method === method && (this.first === undefined || this.first === first);
  }

  pass(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  letGo(): void {
    for (const go of this.waiting.splice(0)) go();
  }
}

class Switch {
  state: 'running' | 'dead' | 'frozen' | 'deaf' = 'running';
  failing: { method: string; when: 'before' | 'after' | 'dying' } | undefined;
  /** How often each method was called, and the last of those calls that was answered. */
  readonly called = new Map<string, number>();
  readonly answered = new Map<string, number>();
  readonly answers = new Map<string, number>();
  private readonly held = new Set<Held>();
  missed = 0;
  private waiting: (() => void)[] = [];

  set(state: Switch['state']): void {
    this.state = state;
    if (state === 'running') for (const go of this.waiting.splice(0)) go();
  }

  hold(method: string, first: string | undefined): ReturnType<Breakable['hold']> {
    const held = new Held(method, first);
    this.held.add(held);
    return {
      get isWaiting() {
        return held.isWaiting;
      },
      letGo: () => {
        this.held.delete(held);
        held.letGo();
      },
    };
  }

  async passHeld(method: string, first: unknown): Promise<void> {
    for (const held of this.held) if (held.takes(method, first)) await held.pass();
  }

  releaseAll(): void {
    for (const held of this.held) held.letGo();
    this.held.clear();
  }

  async pass(): Promise<void> {
    while (this.state === 'frozen') await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.state === 'dead') throw unavailable();
  }

  hear(step: () => void): void {
    if (this.state === 'running') step();
    else if (this.state === 'frozen') this.waiting.push(step);
    else this.missed++;
  }
}

export function breakable(inner: LiveStore): Breakable {
  const gate = new Switch();
  const interruptions: (() => void)[] = [];
  const store: LiveStore = {
    sessions: gated(inner.sessions, gate),
    rooms: gated(inner.rooms, gate),
    registry: gated(inner.registry, gate),
    departures: gated(inner.departures, gate),
    guards: gated(inner.guards, gate),
    asks: gated(inner.asks, gate),
    bus: gatedBus(inner.bus, gate, interruptions),
    healthy: () => inner.healthy(),
    close: () => inner.close(),
  };
  return {
    store,
    kill: () => gate.set('dead'),
    freeze: () => gate.set('frozen'),
    thaw: () => {
      gate.releaseAll();
      gate.set('running');
    },
    deafen: () => gate.set('deaf'),
    hear: () => {
      gate.set('running');
      for (const interrupted of interruptions) interrupted();
    },
    failOn: (method, when) => {
      gate.failing = { method, when };
    },
    hold: (method, first) => gate.hold(method, first),
    answers: (method) => gate.answers.get(method) ?? 0,
    missed: (count) =>
      eventually(
        () => gate.missed >= count,
        () => `${count} lost messages, not ${gate.missed}`,
      ),
    async checkpointed() {
      // One that is under way says what was so before.
      const before = gate.called.get('checkpoint') ?? 0;
      await eventually(() => (gate.answered.get('checkpoint') ?? 0) > before, 'a checkpoint to be written');
    },
  };
}

function unavailable(): DomainError {
  return new DomainError('unavailable', 'cut off by the test');
}

function gatedBus(bus: Bus, gate: Switch, interruptions: (() => void)[]): Bus {
  return {
    listen: async (topic, listener) => {
      await gate.pass();
      await bus.listen(topic, (text) => gate.hear(() => listener(text)));
    },
    unlisten: (topic) => bus.unlisten(topic),
    onInterrupted: (listener) => {
      interruptions.push(listener);
      bus.onInterrupted(listener);
    },
    check: () => bus.check(),
  };
}

/** Every method of `part` behind the switch. */
function gated<Part extends object>(part: Part, gate: Switch): Part {
  return new Proxy(part, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        await gate.pass();
        await gate.passHeld(String(name), args[0]);
        const call = (gate.called.get(String(name)) ?? 0) + 1;
        gate.called.set(String(name), call);
        const failing = gate.failing?.method === name ? gate.failing : undefined;
        if (failing) gate.failing = undefined;
        if (failing?.when === 'dying') gate.set('dead');
        if (failing && failing.when !== 'after') throw unavailable();
        const answer: unknown = await Reflect.apply(method, target, args);
        gate.answers.set(String(name), (gate.answers.get(String(name)) ?? 0) + 1);
        gate.answered.set(String(name), Math.max(call, gate.answered.get(String(name)) ?? 0));
        await gate.pass();
        if (failing) throw unavailable();
        return answer;
      };
    },
  });
}
