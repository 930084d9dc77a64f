import { performance } from 'node:perf_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { INTERNAL_HEADER, type InternalAuth, type Metrics, requestId, type ServiceKit } from '@parley/server-kit';
import type { CallHandler } from './calls/call-handler';
import { refuse } from './proxy/answer';
import { tooManyHeaders } from './proxy/headers';
import { Caller, forwardedBy, type Passage } from './proxy/passage';
import { Pipelines } from './proxy/pipelines';
import type { Proxy } from './proxy/proxy';
import { hasBody } from './proxy/read-body';
import type { ReplicaGroup } from './proxy/replicas';
import { isReadablePath, pathForLog, routeOf } from './routing/paths';
import { replicasFor } from './sockets/find-replica';

/** Everything that reaches the router over HTTP and is not its own: sorts it and sends it on. */
export class FrontDoor {
  private readonly requests: ReturnType<Metrics['counter']>;
  private readonly pipelines = new Pipelines();

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

  /** Answers a request as it comes from the server; no framework has seen it. Never throws. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = requestId(request);
    this.log(request, response, id);
    try {
      const passage = this.enter(request, response, id);
      if (passage !== undefined) await this.pass(passage);
    } catch (error) {
      const errorId = this.kit.errors.report(error, { requestId: id });
      const message = `Something went wrong on our side. (${errorId})`;
      refuse(response, request.url ?? '/', { status: 500, code: 'internal_error', message, hangUp: true });
    }
  }

  private enter(request: IncomingMessage, response: ServerResponse, id: string): Passage | undefined {
    const [method, target] = [request.method ?? 'GET', request.url ?? '/'];
    if (!this.pipelines.enter(request.socket, response)) {
      const message = 'The connection has too many requests under way.';
      refuse(response, target, { status: 429, code: 'too_many_requests', message, hangUp: true });
      return undefined;
    }
    if (tooManyHeaders(request.rawHeaders)) {
      const message = 'The request has too many headers.';
      refuse(response, target, { status: 431, code: 'too_many_headers', message, hangUp: true });
      return undefined;
    }
    if (!isReadablePath(target)) {
      // A path that cannot be decoded still begins with what it is below.
      const place = target.split('%', 1)[0] ?? '/';
      refuse(response, place, { status: 400, code: 'unreadable', message: 'The path cannot be read.', hangUp: true });
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
    const { hops, says } = internal.ok ? internal.value : { hops: 0, says: {} };
    const forwarded = forwardedBy(request, this.kit.clients, says);
    return { request, response, method, target, id, hops, says, forwarded, caller: new Caller(response) };
  }

  /** One line per request that failed, and for every one while debugging. */
  private log(request: IncomingMessage, response: ServerResponse, id: string): void {
    const { logger } = this.kit;
    const began = performance.now();
    response.once('close', () => {
      const { statusCode: status } = response;
      const failed = status >= 500;
      if (!failed && !logger.isLevelEnabled('debug')) return;
      // A call that strict residency turned away leaves nothing here.
      const path = status === 421 ? undefined : pathForLog(request.url ?? '');
      const ms = Math.round(performance.now() - began);
      const fields = { requestId: id, method: request.method, path, status, ms };
      logger[failed ? 'warn' : 'debug'](fields, failed ? 'request failed' : 'request done');
    });
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
      case 'letter':
        // Whoever signed is one of ours; the api looks into the letter itself.
        return passage.hops > 0 ? this.stream(passage, this.groups.api) : this.hide(passage);
      case 'closed':
        return this.hide(passage);
    }
  }

  private hide({ response, target }: Passage): void {
    const message = 'There is nothing here.';
    refuse(response, target, { status: 404, code: 'not_found', message, hangUp: true });
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
    try {
      const reply = await this.proxy.askGroup(passage, group, hasBody(request) ? request : undefined, { candidates });
      this.proxy.relay(reply, response);
    } catch (error) {
      this.proxy.fail(passage, error, { code: 'unavailable', message: 'The service is not available now; try again.' });
    }
  }
}
