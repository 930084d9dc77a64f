import {
  dataSchema,
  frontDoorProxies,
  integer,
  json,
  regionSchema,
  serverSchema,
  type Env,
  type LoadOptions,
  loadEnv,
} from '@parley/config';
import { z } from 'zod';
import { regionsSchema } from './region-table';

/** What the region router reads from the environment. */
export const configSchema = z
  .object({
    ...serverSchema,
    TRUSTED_PROXIES: frontDoorProxies(),
    ...regionSchema,
    DATABASE_URL: dataSchema.DATABASE_URL,
    DIRECTORY_DATABASE_URL: dataSchema.DIRECTORY_DATABASE_URL,
    PARLEY_REGIONS: json(regionsSchema).describe(
      'All regions as JSON: [{"id","number","url","apiUrls":[...],"signalingUrls":[...]}]; replica URLs for the own region only',
    ),
    GEOIP_DATABASE: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File with a country database in MMDB format, by which regions are ordered; DB-IP Lite as shipped if empty',
      ),
    ROUTER_DRAIN_MS: integer(0, 600_000)
      .default(5_000)
      .describe('Milliseconds that open sockets may live on after SIGTERM before the router ends them'),
  })
  .superRefine((config, context) => {
    const own = config.PARLEY_REGIONS.find(({ id }) => id === config.PARLEY_REGION);
    const complain = (message: string) => context.addIssue({ code: 'custom', path: ['PARLEY_REGIONS'], message });
    if (own === undefined) return complain(`the region ${config.PARLEY_REGION} (PARLEY_REGION) is missing`);
    if (own.number !== config.PARLEY_REGION_NUMBER)
      complain('the own region has another number than PARLEY_REGION_NUMBER');
    if (own.apiUrls.length === 0) complain('the own region has no apiUrls');
    if (own.signalingUrls.length === 0) complain('the own region has no signalingUrls');
  });

/** @throws {ConfigError} */
export const readConfig = (env: Env, options?: LoadOptions) => loadEnv(configSchema, env, options);

export type RouterConfig = ReturnType<typeof readConfig>;
