import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { createShardedAdapter } from '@socket.io/redis-adapter';
import type { Cluster, Redis } from 'ioredis';
import { Server } from 'socket.io';

export interface SocketIoOptions {
  /** First part of every engine id, so that the front door finds the replica of a polling client. No dots. */
  readonly replicaName: string;
  /** Connections of their own; undefined: this replica stands alone. */
  readonly redis: { readonly publisher: Redis | Cluster; readonly subscriber: Redis | Cluster } | undefined;
  readonly maxMessageBytes: number;
}

/**
 * The one Socket.IO server of this replica. Plain Socket.IO features (rooms of gateways, broadcasts) cross replicas
 * through Redis; signaling envelopes never do, they have a bus of their own.
 */
export class RedisIoAdapter extends IoAdapter {
  readonly io: Server;
  /** Socket.IO listens here; requests and upgrades of its path are handed in, so it never touches the real server. */
  private readonly inlet: HttpServer = createServer();

  constructor(app: INestApplicationContext, options: SocketIoOptions) {
    super(app);
    const { redis, replicaName } = options;
    this.io = new Server({
      ...(redis ? { adapter: createShardedAdapter(redis.publisher, redis.subscriber) } : {}),
    });
    this.io.attach(this.inlet, {
      path: RedisIoAdapter.path,
      serveClient: false,
      destroyUpgrade: false,
      perMessageDeflate: false,
      httpCompression: false,
      maxHttpBufferSize: options.maxMessageBytes,
      // As on the raw socket: any page may connect, nothing rests on cookies.
      cors: { origin: '*' },
    });
    this.io.engine.generateId = () => `${replicaName}.${randomBytes(15).toString('base64url')}`;
  }

  static readonly path = '/socket.io/';

  /** Nest asks for servers by port and options; there is only this one. */
  override createIOServer(): Server {
    return this.io;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.inlet.emit('upgrade', request, socket, head);
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    this.inlet.emit('request', request, response);
  }
}
