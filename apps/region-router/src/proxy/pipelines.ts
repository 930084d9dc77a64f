import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Of one connection. Hardly any client sends a second request before the first one is answered. */
const MAX_AT_ONCE = 32;

/**
 * Requests under way, by connection. Node takes any number of them at once, so that a few kilobytes would open thousands
 * of connections behind us; and when the caller goes, it tells only the response whose turn it was.
 */
export class Pipelines {
  private readonly underWay = new WeakMap<Socket, Set<ServerResponse>>();

  /**
   * Counts a request until its response is over.
   * @returns whether its connection has no more than it may
   */
  enter(socket: Socket, response: ServerResponse): boolean {
    const responses = this.underWay.get(socket) ?? this.watch(socket);
    responses.add(response);
    response.once('close', () => responses.delete(response));
    return responses.size <= MAX_AT_ONCE;
  }

  private watch(socket: Socket): Set<ServerResponse> {
    const responses = new Set<ServerResponse>();
    this.underWay.set(socket, responses);
    socket.once('close', () => {
      // The one that has the socket hears of it by itself.
      for (const response of responses) if (response.socket === null) response.emit('close');
    });
    return responses;
  }
}
