import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How often a server that ends looks for connections that have become idle, in milliseconds. */
const LOOK_MS = 50;

/**
 * Lets a server end without waiting for connections on which nothing is under way. Node closes at once those that are idle
 * then. One on which a call is just being answered is kept for further ones after that, and one on which nothing was ever
 * said, such as those that browsers open ahead, is taken for busy: either would keep `close()` waiting for a minute.
 */
export function endSilentConnections(server: Server): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  let again: NodeJS.Timeout | undefined;
  // Only `close()` calls it.
  server.closeIdleConnections = () => {
    closeIdleConnections();
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    // One that never listened says nothing when it is closed.
    if (server.listening) again ??= setInterval(closeIdleConnections, LOOK_MS).unref();
  };
  server.once('close', () => clearInterval(again));
}
