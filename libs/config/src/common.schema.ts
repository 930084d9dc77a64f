import { z } from 'zod';
import { cidr, csv, integer, port, receiver, secret, url } from './fields';

/** Loopback, private and link-local ranges: where a proxy of one's own stands. */
const OWN_NETWORKS = '127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7';

const masterKey = z.string().regex(/^[\w-]{1,32}:[A-Za-z0-9+/]{43}=$/, 'expected <id>:<32 bytes in base64>');

const databaseUrl = () => secret(url('postgresql', 'postgres'));

/** How a region is named: part of ids, so it holds no underscore. */
export const regionId = () => z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'expected a name like eu-1');

/** `TRUSTED_PROXIES`: who may say in whose name it calls. */
function trustedProxies(standIn: string, description: string) {
  return csv(cidr()).prefault(standIn).describe(description);
}

/**
 * `TRUSTED_PROXIES` of a service that the outside reaches directly: it believes nobody until told. Otherwise every
 * neighbour on a private network could name a new client address with each call and so escape whatever is counted per
 * address.
 */
export const frontDoorProxies = () =>
  trustedProxies(
    '',
    'Addresses and ranges of the proxies in front of the front door, comma-separated; X-Forwarded-For of anybody else is replaced by the address it comes from',
  );

/** `HOST`, `PORT` and what else every service listens and logs with. */
export const serverSchema = {
  NODE_ENV: z
    .enum(['production', 'development', 'test'])
    .default('development')
    .describe('`production` makes unknown PARLEY_* variables an error instead of a warning'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
  PORT: port().default(8080).describe('Port to listen on; 0 picks a free one'),
  METRICS_PORT: port().optional().describe('Port of `GET /metrics`; without it metrics are not served'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe level that is logged'),
  TRUSTED_PROXIES: trustedProxies(
    OWN_NETWORKS,
    'Addresses and ranges whose X-Forwarded-For is believed, comma-separated; these services stand behind the front door',
  ),
  SHUTDOWN_DELAY_MS: integer(0, 60_000)
    .default(0)
    .describe('Milliseconds between failing readiness and refusing work, for load balancers to notice'),
  PARLEY_INTERNAL_SECRET: secret(z.string().min(32, 'expected at least 32 characters')).describe(
    'Signs calls between the services of all regions; during rotation two values separated by a comma, the first one signs',
  ),
};

/** Which region this is and where its data lies. */
export const regionSchema = {
  PARLEY_REGION: regionId().describe('Name of this region, for example eu-1'),
  PARLEY_REGION_NUMBER: integer(1, 1023).describe(
    'Number of this region, 1 to 1023; part of every numeric id it issues',
  ),
  PUBLIC_URL: url('http', 'https').describe('How the outside reaches this region: base URL of its front door'),
};

/** PostgreSQL, Redis and the keys that seal secrets at rest. */
export const dataSchema = {
  DATABASE_URL: databaseUrl().describe('PostgreSQL of this region'),
  DIRECTORY_DATABASE_URL: databaseUrl()
    .optional()
    .describe('PostgreSQL of the directory; the same as DATABASE_URL if empty'),
  REDIS_URL: secret(csv(url('redis', 'rediss')).pipe(z.array(z.string()).min(1, 'expected at least one URL')))
    .transform((urls) => urls.join(','))
    .describe('Redis or Valkey of this region; several URLs separated by commas are the nodes of a cluster'),
  PARLEY_MASTER_KEYS: secret(csv(masterKey).pipe(z.array(z.string()).min(1, 'expected at least one key')))
    .transform((keys) => keys.join(','))
    .describe(
      'Keys that seal secrets at rest, `<id>:<32 bytes in base64>`, comma-separated; the first one seals, all open',
    ),
};

/** Where webhook receivers may stand; the api refuses others when they are added, the dispatcher calls no others. */
export const receiverSchema = {
  WEBHOOKS_EXTRA_PORTS: csv(integer(1, 65_535))
    .prefault('')
    .describe('Ports besides 80 and 443 on which webhook receivers are called, comma-separated'),
  WEBHOOKS_ALLOWED_RECEIVERS: csv(receiver())
    .prefault('')
    .describe(
      'Addresses, ranges and host names of webhook receivers that are called although they are not on the public internet, comma-separated',
    ),
};

/** Shape to spread into an app's own `z.object({...})`; take single parts if an app needs less. */
export const commonSchema = { ...serverSchema, ...regionSchema, ...dataSchema };

/** What {@link serverSchema} reads to. */
export type ServerConfig = z.infer<z.ZodObject<typeof serverSchema>>;
