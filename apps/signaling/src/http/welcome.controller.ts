import { Controller, Get, Header, Inject } from '@nestjs/common';

/** Injection token of the version clients are told. */
export const SERVER_VERSION = Symbol('parley.signaling.version');

/** `GET /api/v1/welcome`: how administrators and Talk find out that this is a signaling server. */
@Controller('api/v1')
export class WelcomeController {
  constructor(@Inject(SERVER_VERSION) private readonly version: string) {}

  @Get('welcome')
  @Header('content-type', 'application/json; charset=utf-8')
  welcome(): string {
    return `${JSON.stringify({ 'nextcloud-spreed-signaling': 'Welcome', version: this.version })}\n`;
  }
}
