import type { IncomingMessage } from 'node:http';
import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { checkHeaders, type BackendReply } from '@parley/protocol-spreed-signaling';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BackendRoomEndpoint } from '../backend-requests/backend-room.endpoint';

/** Who a request comes from, seen through our own proxies. */
export type AddressOf = (request: IncomingMessage) => string;

/** Injection token of {@link AddressOf}. */
export const ADDRESS_OF = Symbol('parley.signaling.address-of');

const PATH = 'api/v1/room';
const NO_BODY = Buffer.alloc(0);

/** `POST /api/v1/room/{id}`: what backends tell about their rooms. Bodies arrive as the bytes they are. */
@Controller(PATH)
export class BackendRoomController {
  constructor(
    private readonly endpoint: BackendRoomEndpoint,
    @Inject(ADDRESS_OF) private readonly addressOf: AddressOf,
  ) {}

  @Post(':room')
  async room(@Param('room') token: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { headers, body, raw } = request;
    const bytes = Buffer.isBuffer(body) ? body : NO_BODY;
    send(reply, await this.endpoint.answer({ headers, token, body: bytes, address: this.addressOf(raw) }));
  }
}

/** Refuses what need not be read before it is read: the rest of such a body is left on a connection that ends. */
export function checkBeforeReading(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST' || !request.routeOptions.url?.startsWith(`/${PATH}/`)) return done();
    const checked = checkHeaders(request.headers);
    if (checked.ok) return done();
    send(reply.header('connection', 'close'), checked.error);
  });
}

function send(reply: FastifyReply, { status, contentType, body }: BackendReply): void {
  void reply.status(status).headers({ 'content-type': contentType, 'x-content-type-options': 'nosniff' }).send(body);
}
