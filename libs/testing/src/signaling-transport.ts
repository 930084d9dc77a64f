import { io } from 'socket.io-client';
import WebSocket from 'ws';

/** What a scripted client needs of its connection, whatever carries it. */
export interface SignalingTransport {
  send(frame: string | Buffer): void;
  /** Says goodbye properly. */
  close(): void;
  /** Breaks the connection without a word, as a lost network does. */
  drop(): void;
}

export interface TransportEvents {
  onFrame(frame: string): void;
  /** @param reason for people, e.g. `close 1000 bye` */
  onClose(reason: string): void;
}

/** What carries the envelopes: a raw WebSocket, or Socket.IO with or without its change to a WebSocket. */
export type TransportName = 'websocket' | 'socket.io' | 'socket.io-polling';

export interface ConnectOptions {
  headers?: Record<string, string>;
  /** Default `websocket`. */
  transport?: TransportName;
  /** The Socket.IO event that carries envelopes. Default `message`. */
  socketIoEvent?: string;
  /** Default `/socket.io`. */
  socketIoPath?: string;
}

/**
 * How a connection looks from here when the server closed it in good order, nothing to be mended: with code 1000. Socket.IO
 * knows no codes, but tells it from a broken connection, after which its clients come back by themselves.
 */
export const CLOSED_FOR_GOOD: Readonly<Record<TransportName, string>> = {
  websocket: 'close 1000',
  'socket.io': 'disconnect io server disconnect',
  'socket.io-polling': 'disconnect io server disconnect',
};

/** Opens a connection; resolves when it is open, rejects with the HTTP status when the upgrade is refused. */
export function openTransport(
  url: string,
  events: TransportEvents,
  options: ConnectOptions,
): Promise<SignalingTransport> {
  return options.transport === undefined || options.transport === 'websocket'
    ? openWebSocket(url, events, options)
    : openSocketIo(url, events, options);
}

function openWebSocket(url: string, events: TransportEvents, options: ConnectOptions): Promise<SignalingTransport> {
  const socket = new WebSocket(url, { headers: options.headers });
  socket.on('message', (data: Buffer) => events.onFrame(data.toString('utf8')));
  socket.on('close', (code, reason) => events.onClose(`close ${code} ${reason.toString('utf8')}`.trim()));
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, response) => {
      reject(new Error(`${url} refused the WebSocket with status ${response.statusCode}`));
      socket.terminate();
    });
    // After the opening an error is followed by `close`, which tests look at.
    socket.on('error', reject);
    socket.once('open', () =>
      resolve({
        send: (frame) => socket.send(frame),
        close: () => socket.close(),
        drop: () => socket.terminate(),
      }),
    );
  });
}

function openSocketIo(url: string, events: TransportEvents, options: ConnectOptions): Promise<SignalingTransport> {
  const event = options.socketIoEvent ?? 'message';
  const socket = io(url, {
    path: options.socketIoPath ?? '/socket.io',
    transports: options.transport === 'socket.io-polling' ? ['polling'] : ['polling', 'websocket'],
    extraHeaders: options.headers,
    // A scripted client reconnects when the script says so, and never shares a connection.
    reconnection: false,
    forceNew: true,
  });
  socket.on(event, (frame: unknown) => events.onFrame(typeof frame === 'string' ? frame : JSON.stringify(frame)));
  socket.on('disconnect', (reason) => events.onClose(`disconnect ${reason}`));
  return new Promise((resolve, reject) => {
    socket.once('connect_error', (error) => {
      socket.disconnect();
      reject(new Error(`${url} refused Socket.IO: ${error.message}`, { cause: error }));
    });
    socket.once('connect', () =>
      resolve({
        send: (frame) => socket.emit(event, typeof frame === 'string' ? payloadOf(frame) : frame),
        close: () => socket.disconnect(),
        drop: () => socket.io.engine.close(),
      }),
    );
  });
}

/** The object a frame is; its text, when it is none. */
function payloadOf(frame: string): unknown {
  try {
    return JSON.parse(frame) as unknown;
  } catch {
    return frame;
  }
}
