import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import type { Health } from './health';

/** `GET /health/live` and `GET /health/ready`, outside of Nest so that no guard, filter or prefix touches them. */
export function serveHealth(http: Pick<FastifyAdapter, 'get'>, health: Health): void {
  http.get('/health/live', (_request: unknown, reply: FastifyReply) => {
    void reply.header('cache-control', 'no-store').send({ status: 'alive' });
  });
  http.get('/health/ready', async (_request: unknown, reply: FastifyReply) => {
    const readiness = await health.readiness();
    return reply
      .header('cache-control', 'no-store')
      .code(readiness.status === 'ready' ? 200 : 503)
      .send(readiness);
  });
}
