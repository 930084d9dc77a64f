import { CLOSE, type Frame } from '@parley/protocol-spreed-signaling';
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
  private isOver = false;

  constructor(
    private readonly socket: Socket,
    readonly address: string,
    private readonly events: TransportEvents,
  ) {
    socket.on(MESSAGE_EVENT, this.onMessage);
    // Engine.IO hands over what was written in batches.
    socket.conn.on('flush', this.onFlush).once('upgrade', this.onUpgrade);
    socket.once('disconnect', () => this.over());
  }

  send(frames: readonly Frame[], flushed: () => void): void {
    if (this.isOver || !this.socket.connected) return;
    this.waiting.push(flushed);
    for (const frame of frames) this.socket.emit(MESSAGE_EVENT, JSON.parse(frame.text));
  }

  /** Engine.IO cannot be told to stop reading. */
  pause(): boolean {
    return false;
  }

  resume(): void {}

  /**
   * Socket.IO knows no close codes, but its clients stay away when they are disconnected (then they let go of Engine.IO
   * too; the doorstep cuts those that do not), and come back by themselves when the connection breaks.
   */
  close(code: number): void {
    if (code === CLOSE.normal) this.socket.disconnect();
    else this.break(false);
  }

  terminate(): void {
    this.break(true);
  }

  /** @param discard do not wait until what was handed over has been written */
  private break(discard: boolean): void {
    this.over();
    // A client that polls may only hear of it with its next poll.
    this.socket.conn.close(discard);
  }

  /** It is over for whoever listens, maybe before the socket is. */
  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    // A client may come and go on one Engine.IO connection as often as it likes.
    this.socket.conn.off('flush', this.onFlush).off('upgrade', this.onUpgrade);
    this.socket.off(MESSAGE_EVENT, this.onMessage);
    this.events.closed();
  }

  private readonly onMessage = (payload: unknown): void => {
    if (Buffer.isBuffer(payload)) this.events.binary();
    else this.events.text(typeof payload === 'string' ? payload : textOf(payload));
  };

  private readonly onUpgrade = (): void => [...this.polled].forEach((done) => done());

  private readonly onFlush = (): void => {
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
  };
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
