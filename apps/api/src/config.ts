import {
  commonSchema,
  type Frozen,
  integer,
  json,
  otherRegions,
  port,
  receiverSchema,
  secret,
  url,
} from '@parley/config';
import { iceServerSchema } from '@parley/contracts';
import { NONCE_LIMIT } from '@parley/protocol-xroom';
import { z } from 'zod';

/** What the api reads from its environment. */
export const apiConfigSchema = z.object({
  ...commonSchema,
  ...receiverSchema,
  PARLEY_REGIONS: otherRegions(),
  ADMIN_HOST: z.string().min(1).default('127.0.0.1').describe("Address of the operator's REST"),
  ADMIN_PORT: port().default(8081).describe("Port of the operator's REST, `/v1/admin`; 0 picks a free one"),
  PARLEY_ADMIN_BOOTSTRAP_KEY: secret(z.string().min(32, 'expected at least 32 characters'))
    .optional()
    .describe("A bearer key of the operator's REST that exists from the start, named `bootstrap`"),
  PARLEY_TICKET_PRIVATE_KEY: secret(z.string().min(40)).describe(
    'Signs join tickets: an Ed25519 private key, PKCS#8 DER in base64',
  ),
  SIGNALING_PUBLIC_URL: url('ws', 'wss').describe("Base URL of this region's signaling, as told to those who join"),
  ICE_SERVERS: json(z.array(iceServerSchema))
    .prefault('[]')
    .describe('STUN and TURN servers told to those who join: the JSON of `RTCConfiguration.iceServers`'),
  API_CALLS_PER_MINUTE: integer(1, 10_000_000)
    .prefault('60000')
    .describe('Most calls of the xroom API per account and minute; more are answered 429'),
  API_NONCE_LIMIT: integer(1, 10_000_000)
    .prefault(String(NONCE_LIMIT))
    .describe('Most remembered x-random values per account; more calls are answered 429'),
  API_FAILURES_PER_MINUTE_PER_ADDRESS: integer(1, 1_000_000)
    .prefault('300')
    .describe(
      'Most calls of the xroom API with wrong credentials per minute from one address (IPv6: one /64 network); after them every call from there is answered 429 until the minute is over',
    ),
  JOINS_PER_MINUTE_PER_ADDRESS: integer(1, 1_000_000)
    .prefault('300')
    .describe('Most `POST /join` per minute from one address (IPv6: one /64 network)'),
  JOINS_PER_MINUTE_PER_ROOM: integer(1, 1_000_000)
    .prefault('3000')
    .describe('Most `POST /join` per minute to one room'),
});

export type ApiConfig = Frozen<z.infer<typeof apiConfigSchema>>;

/** The name by which tools find the schema of every service. */
export { apiConfigSchema as configSchema };
