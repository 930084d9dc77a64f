import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'socket.io';
import type { Connections } from '../connections/connections';
import type { Doorstep, Waiting } from '../connections/doorstep';
import { SocketIoTransport } from '../connections/socket-io-transport';

type EngineSocket = Socket['conn'];

/** The Engine.IO connections of a replica. */
export interface Engines {
  /** Tells their clients to try elsewhere: a replica cannot go away while polls wait for something to happen. */
  close(): void;
}

/**
 * Signaling envelopes over Socket.IO, on the main namespace: its long polling is the specification's COMET. It is the
 * Engine.IO connection that waits for a hello: it costs as much with a Socket.IO connection on it as without.
 */
export function mountSocketIo(
  io: Server,
  connections: Connections,
  doorstep: Doorstep,
  addressOf: (request: IncomingMessage) => string,
): Engines {
  const engines = new Set<EngineSocket>();
  const waits = new WeakMap<EngineSocket, Waiting>();
  const enter = (engine: EngineSocket): Waiting => {
    const waiting = doorstep.enter(addressOf(engine.request), () => engine.close(true));
    engines.add(engine);
    engine.once('close', () => {
      engines.delete(engine);
      waiting.gone();
    });
    waits.set(engine, waiting);
    return waiting;
  };
  io.engine.on('connection', enter);
  io.on('connection', (socket) => {
    const waiting = waits.get(socket.conn) ?? enter(socket.conn);
    const address = addressOf(socket.request);
    connections.accept((events) => new SocketIoTransport(socket, address, events), waiting);
    socket.once('disconnect', () => waiting.again());
  });
  return { close: () => engines.forEach((engine) => engine.close()) };
}

/** Whether a request would make a new Engine.IO connection; read as Engine.IO reads it. */
export function opensEngine(request: IncomingMessage): boolean {
  const query = request.url?.split('?')[1] ?? '';
  return !Object.fromEntries(new URLSearchParams(query)).sid;
}
