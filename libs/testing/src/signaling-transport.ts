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

export interface ConnectOptions {
  headers?: Record<string, string>;
  /** `websocket` (default); the other two are Socket.IO, with or without the change to a WebSocket. */
  transport?: 'websocket' | 'socket.io' | 'socket.io-polling';
  /** The Socket.IO event that carries envelopes. Default `message`. */
  socketIoEvent?: string;
  /** Default `/socket.io`. */
  socketIoPath?: string;
}

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
        send: (frame) => socket.emit(event, typeof frame === 'string' ? (JSON.parse(frame) as unknown) : frame),
        close: () => socket.disconnect(),
        drop: () => socket.io.engine.close(),
      }),
    );
  });
}
