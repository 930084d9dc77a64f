import { isObject, ParleyError, type Json } from './parley-error';

/** What this library uses of a WebSocket; browsers, Node.js from 22 on and the package `ws` have it. */
export interface Socket {
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

export type SocketClass = new (url: string) => Socket;

/** A message of the signaling protocol. */
export type Frame = Json & { readonly type: string };

export interface LineEvents {
  /** In the order in which they came. */
  frame(frame: Frame): void;
  /** It ended, by whomever; after that nothing comes. Not called for a line that never opened. */
  closed(code: number): void;
}

/** One connection to a gateway. */
export class Line {
  private open = true;

  private constructor(
    private readonly socket: Socket,
    private readonly events: LineEvents,
  ) {
    socket.addEventListener('message', ({ data }) => this.received(data));
    socket.addEventListener('close', ({ code }) => this.end(code));
  }

  /** @throws ParleyError unreachable */
  static connect(Class: SocketClass, url: string, timeoutMs: number, events: LineEvents): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = new Class(url);
      const fail = () => {
        clearTimeout(timer);
        reject(new ParleyError('unreachable', `${url} cannot be reached.`));
      };
      const timer = setTimeout(() => {
        fail();
        socket.close();
      }, timeoutMs);
      // Before it is open nothing comes, so a line that is made now misses nothing.
      const line = new Line(socket, {
        frame: (frame) => events.frame(frame),
        closed: (code) => opened && events.closed(code),
      });
      let opened = false;
      socket.addEventListener('open', () => {
        clearTimeout(timer);
        opened = true;
        resolve(line);
      });
      socket.addEventListener('error', fail);
      socket.addEventListener('close', fail);
    });
  }

  /** Nothing happens on a line that has ended. */
  send(frame: Frame): void {
    if (this.open) this.socket.send(JSON.stringify(frame));
  }

  /** Ends it; `closed` is told at once. */
  close(): void {
    this.socket.close();
    this.end(1000);
  }

  private end(code: number): void {
    if (!this.open) return;
    this.open = false;
    this.events.closed(code);
  }

  private received(data: unknown): void {
    if (!this.open || typeof data !== 'string') return;
    const frame = parsed(data);
    if (isObject(frame) && typeof frame.type === 'string') this.events.frame(frame as Frame);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
