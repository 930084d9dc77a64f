import type { Frame } from '@parley/protocol-spreed-signaling';
import type { Socket } from 'socket.io';
import type { Transport, TransportEvents } from './transport';

/** The event that carries the envelopes, both ways. */
export const MESSAGE_EVENT = 'message';

/**
 * A Socket.IO connection (long polling or WebSocket) as a {@link Transport}. Frames arrive and leave as objects; text is
 * understood too.
 */
export class SocketIoTransport implements Transport {
  readonly kind = 'socket.io';
  private readonly waiting: (() => void)[] = [];
  /** Batches that a poll took along, until the next poll comes. */
  private readonly polled = new Set<() => void>();

  constructor(
    private readonly socket: Socket,
    readonly address: string,
    events: TransportEvents,
  ) {
    socket.on(MESSAGE_EVENT, (payload: unknown) => {
      if (Buffer.isBuffer(payload)) events.binary();
      else events.text(typeof payload === 'string' ? payload : textOf(payload));
    });
    const flush = () => this.onFlush();
    const upgrade = () => [...this.polled].forEach((done) => done());
    // Engine.IO hands over what was written in batches.
    socket.conn.on('flush', flush).once('upgrade', upgrade);
    socket.once('disconnect', () => {
      // A client may come and go on one Engine.IO connection as often as it likes.
      socket.conn.off('flush', flush).off('upgrade', upgrade);
      events.closed();
    });
  }

  send(frames: readonly Frame[], flushed: () => void): void {
    if (!this.socket.connected) return;
    this.waiting.push(flushed);
    for (const frame of frames) this.socket.emit(MESSAGE_EVENT, JSON.parse(frame.text));
  }

  /** Engine.IO cannot be told to stop reading. */
  pause(): boolean {
    return false;
  }

  resume(): void {}

  /** Socket.IO knows no close codes; the client sees `io server disconnect`. */
  close(): void {
    this.socket.disconnect(true);
  }

  terminate(): void {
    this.socket.disconnect(true);
  }

  private onFlush(): void {
    const batch = this.waiting.splice(0);
    if (batch.length === 0) return;
    const { transport } = this.socket.conn;
    const done = () => {
      this.polled.delete(done);
      batch.splice(0).forEach((flushed) => flushed());
    };
    if (transport.name !== 'polling') return void transport.once('drain', done);
    // What a poll carried is known to have arrived when the client polls again, or when it has moved on to a WebSocket:
    // it finishes its last poll before.
    this.polled.add(done);
    transport.once('ready', done);
  }
}

/** A payload as the frame it is; empty, which is no frame, for what has none. */
function textOf(payload: unknown): string {
  try {
    return JSON.stringify(payload) ?? '';
  } catch {
    // It nests deeper than the stack is: an error thrown from a listener would end the process.
    return '';
  }
}
