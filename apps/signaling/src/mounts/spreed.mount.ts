import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { LIMITS } from '@parley/protocol-spreed-signaling';
import { WebSocketServer } from 'ws';
import type { Connections } from '../connections/connections';
import type { Doorstep } from '../connections/doorstep';
import { WsTransport, type PingTimes } from '../connections/ws-transport';

export interface SpreedMountOptions {
  readonly connections: Connections;
  readonly doorstep: Doorstep;
  /** Sent with the upgrade answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly pings?: PingTimes;
}

/** Raw WebSocket of the standalone signaling API, at `/spreed`. */
export class SpreedMount {
  /** Exact path (no slash at the end). */
  static readonly path = '/spreed';

  private readonly server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.maxFrameBytes,
  });

  constructor(private readonly options: SpreedMountOptions) {
    const lines = Object.entries(options.headers).map(([name, value]) => `${name}: ${value}`);
    this.server.on('headers', (headers) => void headers.push(...lines));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.server.handleUpgrade(request, socket, head, (client) => {
      const address = this.options.addressOf(request);
      const { connections, doorstep, pings } = this.options;
      const waiting = doorstep.enter(address, () => client.terminate());
      client.once('close', () => waiting.gone());
      connections.accept((events) => new WsTransport(client, socket, address, events, pings), waiting);
    });
  }
}
