import { readFileSync } from 'node:fs';
import type { ConnectionState, Effect, Input, SignalingMachine } from '../src';

/**
 * A recorded dialogue, played against the state machine. Lines:
 * - `> frame`: the client sends this text.
 * - `* kind {json}`: another input (an answer of the house, a timer, an event).
 * - `< {json}`: the next frame to the client; members given must be there, `"$any"` stands for any value.
 * - `! kind {json}`: the next other effect; members given must be there.
 * - `# text`: a comment. Effects not listed are an error, but for `call`, which is only for counting.
 */
export class Transcript {
  private state: ConnectionState;
  private readonly effects: Effect[] = [];
  private readonly seen: string[] = [];

  constructor(private readonly machine: SignalingMachine) {
    this.state = machine.initial();
  }

  play(file: string): void {
    const lines = readFileSync(file, 'utf8').split('\n');
    lines.forEach((line, index) => {
      const text = line.trim();
      if (text === '' || text.startsWith('#')) return;
      try {
        this.line(text[0] ?? '', text.slice(1).trim());
      } catch (error) {
        throw new Error(`${file}:${index + 1}: ${text}\n${String(error)}\nso far:\n${this.seen.join('\n')}`, {
          cause: error,
        });
      }
    });
    if (this.effects.length > 0)
      throw new Error(`${file}: unlisted at the end: ${this.effects.map(describe).join('; ')}`);
  }

  private line(mark: string, text: string): void {
    if (mark === '>') return this.input({ kind: 'frame', text });
    if (mark === '*') {
      const [kind = '', json] = split(text);
      return this.input({ ...(json === undefined ? {} : (JSON.parse(json) as object)), kind } as Input);
    }
    const effect = this.effects.shift();
    if (effect === undefined) throw new Error('nothing more was done');
    if (mark === '<') {
      if (effect.kind !== 'send') throw new Error(`instead: ${describe(effect)}`);
      return matches(JSON.parse(text), JSON.parse(effect.frame.text));
    }
    const [kind, json] = split(text);
    matches({ ...(json === undefined ? {} : (JSON.parse(json) as object)), kind }, effect);
  }

  private input(input: Input): void {
    if (this.effects.length > 0) throw new Error(`unlisted before: ${this.effects.map(describe).join('; ')}`);
    const step = this.machine.step(this.state, input);
    this.state = step.state;
    this.effects.push(...step.effects.filter(({ kind }) => kind !== 'call'));
    this.seen.push(`  ${JSON.stringify(input)}`, ...step.effects.map((effect) => `    ${describe(effect)}`));
  }
}

function split(text: string): [string, string | undefined] {
  const space = text.indexOf(' ');
  return space < 0 ? [text, undefined] : [text.slice(0, space), text.slice(space + 1)];
}

function describe(effect: Effect): string {
  return effect.kind === 'send' ? `< ${effect.frame.text}` : `! ${JSON.stringify(effect)}`;
}

/** Throws unless everything in `expected` is in `actual`; lists must be equally long. */
function matches(expected: unknown, actual: unknown, path = ''): void {
  if (expected === '$any' && actual !== undefined) return;
  if (typeof expected === 'object' && expected !== null && typeof actual === 'object' && actual !== null) {
    if (Array.isArray(expected) && Array.isArray(actual) && expected.length !== actual.length) {
      throw new Error(`${path}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
    }
    for (const [key, value] of Object.entries(expected)) {
      matches(value, (actual as Record<string, unknown>)[key], `${path}.${key}`);
    }
    return;
  }
  // `"$none"`: must not be there.
  if (expected === '$none' && actual === undefined) return;
  if (expected !== actual) throw new Error(`${path}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}
