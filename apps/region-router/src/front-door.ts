import type { FastifyReply, FastifyRequest } from 'fastify';
import { INTERNAL_HEADER, type InternalAuth, type Metrics, type ServiceKit } from '@parley/server-kit';
import type { CallHandler } from './calls/call-handler';
import { refuse } from './proxy/answer';
import { tooManyHeaders } from './proxy/headers';
import { forwardedBy, type Passage } from './proxy/passage';
import type { Proxy } from './proxy/proxy';
import type { ReplicaGroup } from './proxy/replicas';
import { routeOf } from './routing/paths';
import { replicasFor } from './sockets/find-replica';

/** Everything that reaches the router over HTTP and is not its own: sorts it and sends it on. */
export class FrontDoor {
  private readonly requests: ReturnType<Metrics['counter']>;

  constructor(
    private readonly calls: CallHandler,
    private readonly proxy: Proxy,
    private readonly groups: { readonly api: ReplicaGroup; readonly signaling: ReplicaGroup },
    private readonly auth: InternalAuth,
    private readonly kit: ServiceKit,
    private readonly now: () => Date,
  ) {
    const help = 'Requests by what they asked for';
    this.requests = kit.metrics.counter('parley_router_requests_total', { help, labels: ['route'] });
  }

  /** Answers on the raw response; the framework only brought it here. */
  async handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.hijack();
    const target = request.raw.url ?? '/';
    try {
      const passage = this.enter(request, reply);
      if (passage !== undefined) await this.pass(passage);
    } catch (error) {
      const errorId = this.kit.errors.report(error, { requestId: request.id });
      const message = `Something went wrong on our side. (${errorId})`;
      refuse(reply.raw, target, { status: 500, code: 'internal_error', message, hangUp: true });
    }
  }

  private enter(fastifyRequest: FastifyRequest, reply: FastifyReply): Passage | undefined {
    const { raw: request, id } = fastifyRequest;
    const response = reply.raw;
    const [method, target] = [request.method ?? 'GET', request.url ?? '/'];
    if (tooManyHeaders(request.rawHeaders)) {
      const message = 'The request has too many headers.';
      refuse(response, target, { status: 431, code: 'too_many_headers', message, hangUp: true });
      return undefined;
    }
    const header = request.headers[INTERNAL_HEADER];
    const given = typeof header === 'string' ? header : undefined;
    const internal = this.auth.verify(given, { method, path: target }, this.now());
    if (!internal.ok && internal.error !== 'missing') {
      // Taking it for an outsider's call would let two routers with different secrets send it round for ever.
      const message = `The header ${INTERNAL_HEADER} is ${internal.error}.`;
      refuse(response, target, { status: 400, code: 'internal_header', message, hangUp: true });
      return undefined;
    }
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const forwarded = forwardedBy(request, this.kit.clients, internal.ok);
    const hops = internal.ok ? internal.value.hops : 0;
    return { request, response, method, target, id, hops, forwarded, gone: gone.signal };
  }

  private async pass(passage: Passage): Promise<void> {
    const route = routeOf(passage.method, passage.target);
    this.requests.inc({ route: route.kind });
    switch (route.kind) {
      case 'call':
      case 'join':
      case 'rest':
        return this.calls.handle(passage, route);
      case 'api':
        return this.stream(passage, this.groups.api);
      case 'signaling':
        return this.stream(passage, this.groups.signaling);
      case 'closed': {
        const message = 'There is nothing here.';
        return refuse(passage.response, passage.target, { status: 404, code: 'not_found', message, hangUp: true });
      }
    }
  }

  /** Passes a request on without looking into it. */
  private async stream(passage: Passage, group: ReplicaGroup): Promise<void> {
    const { request, response } = passage;
    const candidates = group === this.groups.signaling ? await replicasFor(passage.target, group) : group.candidates();
    if (candidates.length === 0) {
      // Word for word what Engine.IO answers, so that its client starts a new session.
      const body = '{"code":1,"message":"Session ID unknown"}';
      return void response.writeHead(400, { 'content-type': 'application/json' }).end(body);
    }
    const { headers } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    try {
      const reply = await this.proxy.askGroup(passage, group, hasBody ? request : undefined, candidates);
      this.proxy.relay(reply, response);
    } catch (error) {
      this.proxy.fail(passage, error, { code: 'unavailable', message: 'The service is not available now; try again.' });
    }
  }
}
