import type { IncomingMessage } from 'node:http';
import type { Server } from 'socket.io';
import type { Connections } from '../connections/connections';
import { SocketIoTransport } from '../connections/socket-io-transport';

/** Signaling envelopes over Socket.IO, on the main namespace: its long polling is the specification's COMET. */
export function mountSocketIo(
  io: Server,
  connections: Connections,
  addressOf: (request: IncomingMessage) => string,
): void {
  io.on('connection', (socket) => {
    const address = addressOf(socket.request);
    connections.accept((events) => new SocketIoTransport(socket, address, events));
  });
}
