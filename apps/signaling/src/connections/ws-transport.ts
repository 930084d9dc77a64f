import type { Frame } from '@parley/protocol-spreed-signaling';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Transport, TransportEvents } from './transport';

/** How often a client is asked whether it is there, and after how long without a sign of life it is not. */
export interface PingTimes {
  readonly pingEveryMs: number;
  readonly deadAfterMs: number;
}

export const PING_TIMES: PingTimes = { pingEveryMs: 54_000, deadAfterMs: 60_000 };

/** How long the peer may take to answer a close before the socket is cut. */
const CLOSE_GRACE_MS = 2_000;

const NOTHING = Buffer.alloc(0);

const NS_PER_MS = 1_000_000;

/** A WebSocket as a {@link Transport}. */
export class WsTransport implements Transport {
  readonly kind = 'websocket';
  private readonly ping: NodeJS.Timeout;
  private dead: NodeJS.Timeout;
  private grace: NodeJS.Timeout | undefined;

  /** @param wire what `socket` speaks on; finished frames go there past it, made once for all receivers */
  constructor(
    private readonly socket: WebSocket,
    private readonly wire: Duplex,
    readonly address: string,
    events: TransportEvents,
    private readonly times: PingTimes = PING_TIMES,
  ) {
    const alive = () => this.dead.refresh();
    this.dead = setTimeout(() => socket.terminate(), times.deadAfterMs);
    this.ping = setInterval(() => this.sendPing(), times.pingEveryMs);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      alive();
      if (isBinary) events.binary();
      // binaryType is nodebuffer, so this is one Buffer.
      else events.text(data.toString('utf8'));
    });
    socket.on('pong', (sentAt: Buffer) => {
      alive();
      const roundTrip = Date.now() - Number(sentAt.toString('latin1')) / NS_PER_MS;
      // A pong nobody asked for says nothing.
      if (roundTrip >= 0 && roundTrip <= times.deadAfterMs) events.answered?.(roundTrip);
    });
    // The reason is in the close that follows.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(this.ping);
      clearTimeout(this.dead);
      clearTimeout(this.grace);
      events.closed();
    });
    this.sendPing();
  }

  send(frames: readonly Frame[], flushed: () => void): void {
    const { wire } = this;
    if (this.socket.readyState !== this.socket.OPEN || wire.destroyed) return;
    const [first] = frames;
    const bytes = first && frames.length === 1 ? first.message : Buffer.concat(frames.map(({ message }) => message));
    // Without a callback, which costs as much as the rest of the call: the kernel mostly takes it at once.
    wire.write(bytes);
    if (wire.writableLength === 0) flushed();
    else {
      // Its callback comes after everything before it.
      wire.write(NOTHING, (error) => {
        if (!error) flushed();
      });
    }
  }

  pause(): boolean {
    // Not reading is our choice here, so silence is no sign of death.
    clearTimeout(this.dead);
    this.socket.pause();
    return true;
  }

  resume(): void {
    if (this.socket.readyState === this.socket.CLOSED) return;
    this.socket.resume();
    this.dead = setTimeout(() => this.socket.terminate(), this.times.deadAfterMs);
  }

  close(code: number): void {
    if (this.socket.readyState === this.socket.CLOSED) return;
    // A paused socket would never see the peer's answer.
    this.socket.resume();
    this.socket.close(code);
    clearTimeout(this.grace);
    this.grace = setTimeout(() => this.socket.terminate(), CLOSE_GRACE_MS);
  }

  terminate(): void {
    this.socket.terminate();
  }

  /** The payload is the time in nanoseconds, as the usual server sends it: the round trip is read from the pong. */
  private sendPing(): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping(`${Date.now()}000000`);
  }
}
