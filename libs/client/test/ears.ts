import { eventually } from '@parley/testing';
import type { SessionHandlers } from '../src';

/** Writes down what a session tells. */
export function ears() {
  const heard: string[] = [];
  const handlers: SessionHandlers = {
    message: ({ data }) => void heard.push(`message ${String(data)}`),
    event: ({ type }) => void heard.push(`event ${String(type)}`),
    state: (state, reason) => void heard.push(reason === undefined ? state : `${state}: ${reason}`),
  };
  const has = (line: string) =>
    eventually(
      () => heard.includes(line),
      () => `"${line}" in ${JSON.stringify(heard)}`,
    );
  return { heard, handlers, has };
}

/** What a room says, with its number. */
export const message = (data: string, seq: string) => ({ type: 'message', seq, message: { sender: {}, data } });
