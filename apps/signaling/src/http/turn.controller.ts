import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Controller, Get, Inject, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { sendJson, sendText } from './plain-answers';

/** TURN servers whose credentials are given away. */
export interface TurnSettings {
  /** `turn:host:port?transport=udp` and the like; none: nothing is given away. */
  readonly servers: readonly string[];
  /** What the TURN servers know as their static auth secret. */
  readonly secret: string;
  /** What callers have to know. */
  readonly apiKey: string;
}

/** Injection token of {@link TurnSettings}. */
export const TURN_SETTINGS = Symbol('parley.signaling.turn-settings');

const TTL_SECONDS = 86_400;
const NAME_BYTES = 24;

/** `GET /turn/credentials`: time-limited credentials, as SFUs ask for them (TURN REST API draft). */
@Controller('turn')
export class TurnController {
  constructor(@Inject(TURN_SETTINGS) private readonly settings: TurnSettings) {}

  @Get('credentials')
  credentials(@Query() query: Record<string, unknown>, @Res() reply: FastifyReply): void {
    const { servers, secret, apiKey } = this.settings;
    const [service, key, api, username] = ['service', 'key', 'api', 'username'].map((name) => textOf(query[name]));
    const given = key || api;
    if (service !== 'turn' || !given) return sendText(reply, 400, 'Invalid service and/or key sent.');
    if (!sameText(given, apiKey)) return sendText(reply, 403, 'Not allowed to access this service.');
    if (servers.length === 0) return sendText(reply, 404, 'No TURN servers available.');
    const name = username || randomBytes(NAME_BYTES).toString('base64url');
    const user = `${Math.floor(Date.now() / 1_000) + TTL_SECONDS}:${name}`;
    const password = createHmac('sha1', secret).update(user).digest('base64');
    sendJson(reply, { username: user, password, ttl: TTL_SECONDS, uris: servers });
  }
}

/** The first value of a parameter that may be repeated. */
function textOf(value: unknown): string {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : '';
}

/** Nothing is the same as a key that is not set. */
function sameText(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return expected !== '' && left.length === right.length && timingSafeEqual(left, right);
}
