import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Lets a server end without connections on which nothing was ever said, such as those that browsers open ahead. Node takes
 * them for busy: one of them would keep `close()` waiting for a minute.
 */
export function endSilentConnections(server: Server): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  // `close()` calls it when no further connection is accepted.
  server.closeIdleConnections = () => {
    closeIdleConnections();
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  };
}
