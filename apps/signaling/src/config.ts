import { cidr, commonSchema, csv, integer, loadEnv, otherRegions, secret, type Env, type Frozen } from '@parley/config';
import { z } from 'zod';

const fields = {
  ...commonSchema,
  PARLEY_REGIONS: otherRegions(),
  PARLEY_TICKET_PUBLIC_KEYS: csv(z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, 'expected base64'))
    .pipe(z.array(z.string()).min(1, 'expected at least one key'))
    .describe('Public Ed25519 keys (SPKI DER, base64, comma-separated) that join tickets are checked with'),
  REPLICA_NAME: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and hyphens')
    .optional()
    .describe('Name of this replica, part of its Socket.IO ids; random if empty, and made unique per process'),
  SIGNALING_SOCKETS_PER_ADDRESS_WAITING: integer(1, 1_000_000)
    .prefault('100')
    .describe(
      'Most sockets without an accepted hello from one address (IPv6: one /64 network) on one gateway; more are answered 429',
    ),
  STATS_ALLOWED_IPS: csv(cidr())
    .prefault('127.0.0.1,::1')
    .describe('Addresses and ranges that may read /api/v1/stats, /api/v1/serverinfo and /metrics of the gateway'),
  TURN_SERVERS: csv(z.string().regex(/^turns?:\S+$/, 'expected turn: or turns: and an address'))
    .prefault('')
    .describe('TURN servers whose credentials the gateway gives to SFUs at /turn/credentials, comma-separated'),
  TURN_SECRET: secret().optional().describe('Static auth secret of those TURN servers'),
  TURN_API_KEY: secret().optional().describe('What callers of /turn/credentials have to know'),
};

/** Everything the signaling gateway reads from its environment. */
export const signalingSchema = z.object(fields).superRefine((config, context) => {
  if (config.TURN_SERVERS.length === 0) return;
  for (const name of ['TURN_SECRET', 'TURN_API_KEY'] as const) {
    if (config[name] === undefined) {
      context.addIssue({ code: 'custom', path: [name], message: 'is needed when TURN_SERVERS is set' });
    }
  }
});

export type SignalingConfig = Frozen<z.infer<typeof signalingSchema>>;

/** @throws ConfigError with every problem at once */
export function loadConfig(env: Env): SignalingConfig {
  return loadEnv(signalingSchema, env);
}

/** The name by which tools find the schema of every service. */
export { signalingSchema as configSchema };
