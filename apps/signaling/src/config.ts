import { commonSchema, csv, loadEnv, type Env, type Frozen } from '@parley/config';
import { z } from 'zod';

/** Everything the signaling gateway reads from its environment. */
export const signalingSchema = z.object({
  ...commonSchema,
  PARLEY_TICKET_PUBLIC_KEYS: csv(z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, 'expected base64'))
    .pipe(z.array(z.string()).min(1, 'expected at least one key'))
    .describe('Public Ed25519 keys (SPKI DER, base64, comma-separated) that join tickets are checked with'),
  REPLICA_NAME: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and hyphens')
    .optional()
    .describe('Name of this replica, part of its Socket.IO ids; random if empty, and made unique per process'),
});

export type SignalingConfig = Frozen<z.infer<typeof signalingSchema>>;

/** @throws ConfigError with every problem at once */
export function loadConfig(env: Env): SignalingConfig {
  return loadEnv(signalingSchema, env);
}

/** The name by which tools find the schema of every service. */
export { signalingSchema as configSchema };
