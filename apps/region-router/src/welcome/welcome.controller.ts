import { Controller, Get, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { prefersHtml } from './prefers-html';
import { WELCOME, welcomePage } from './welcome-page';

/** `GET /`: a friendly word instead of "not found". */
@Controller()
export class WelcomeController {
  @Get()
  welcome(@Headers('accept') accept: string | undefined, @Res() reply: FastifyReply): void {
    const html = prefersHtml(accept);
    void reply
      .headers({
        'content-type': html ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        vary: 'accept',
      })
      .send(html ? welcomePage(WELCOME) : JSON.stringify(WELCOME));
  }
}
