/** What runs where: ports, names and environment of every service, from options, secrets and servers. Pure. */
import { join } from 'node:path';

/** Region ids hold hyphens, database names must not: `eu-1` -> `parley_eu_1`. */
export function databaseName(base, region) {
  return `${base}_${region.replaceAll('-', '_')}`;
}

/**
 * The ports that are needed besides those of the front doors.
 * @returns how many per region
 */
export function portsPerRegion(gateways) {
  return 3 + gateways;
}

/**
 * Gives every region its addresses.
 * @param {number[]} freePorts as many as `portsPerRegion` says for each region
 */
export function layOut({ regions, port, gateways }, freePorts) {
  const ports = [...freePorts];
  const local = () => `http://127.0.0.1:${ports.shift()}`;
  return regions.map((region, index) => ({
    ...region,
    url: `http://127.0.0.1:${port + index}`,
    api: local(),
    admin: local(),
    webhooks: local(),
    signaling: Array.from({ length: gateways }, local),
  }));
}

/** `ws://…/spreed` of an `http://…` origin. */
export function signalingUrl(origin) {
  return `${origin.replace(/^http/, 'ws')}/spreed`;
}

/**
 * The services of one region in the order in which they are listed and stopped.
 * @param {object} region as {@link layOut} answers
 * @param {object} servers `{databaseUrl, directoryUrl, redisUrl}` of that region
 */
export function servicesOf(region, regions, servers, secrets, { root, logs, environment }) {
  const common = {
    ...environment,
    NODE_ENV: environment.NODE_ENV ?? 'development',
    LOG_LEVEL: environment.LOG_LEVEL ?? 'info',
    PARLEY_REGION: region.id,
    PARLEY_REGION_NUMBER: String(region.number),
    DATABASE_URL: servers.databaseUrl,
    DIRECTORY_DATABASE_URL: servers.directoryUrl,
    REDIS_URL: servers.redisUrl,
    PARLEY_MASTER_KEYS: secrets.masterKeys,
    PARLEY_INTERNAL_SECRET: secrets.internalSecret,
    PUBLIC_URL: region.url,
  };
  const prefix = regions.length > 1 ? `${region.id}-` : '';
  const spec = (service, name, url, env) => ({
    name: `${prefix}${name}`,
    service,
    url,
    command: process.execPath,
    args: ['--enable-source-maps', join(root, 'apps', service, 'dist', 'main.js')],
    cwd: root,
    env: { ...common, HOST: '127.0.0.1', PORT: new URL(url).port, ...env },
    logFile: join(logs, `${prefix}${name}.log`),
  });
  const table = JSON.stringify(regions.map(tableEntry));
  return [
    spec('region-router', 'region-router', region.url, { PARLEY_REGIONS: table }),
    spec('api', 'api', region.api, {
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: new URL(region.admin).port,
      PARLEY_REGIONS: table,
      PARLEY_ADMIN_BOOTSTRAP_KEY: secrets.adminKey,
      PARLEY_TICKET_PRIVATE_KEY: secrets.ticketPrivateKey,
      SIGNALING_PUBLIC_URL: region.url.replace(/^http/, 'ws'),
    }),
    ...region.signaling.map((url, index) =>
      spec('signaling', `signaling-${index + 1}`, url, {
        PARLEY_TICKET_PUBLIC_KEYS: secrets.ticketPublicKey,
        PARLEY_REGIONS: table,
        REPLICA_NAME: `${region.id}-signaling-${index + 1}`,
      }),
    ),
    spec('webhooks', 'webhooks', region.webhooks, {}),
  ];
}

function tableEntry({ id, number, url, api, signaling }) {
  return { id, number, url, apiUrls: [api], signalingUrls: signaling };
}

/** What `.parley/run.json` says. */
export function runDescription(regions, servers, secrets, pids) {
  const [first] = regions;
  return {
    url: first.url,
    regions: regions.map(({ id, url, signaling, admin }, index) => ({
      id,
      url,
      signaling: signaling.map(signalingUrl),
      adminUrl: admin,
      postgresUrl: servers[index].databaseUrl,
      redisUrl: servers[index].redisUrl,
    })),
    account: { authId: secrets.demo.authId, secret: secrets.demo.secret },
    domain: secrets.demo.domain,
    webhookKey: secrets.demo.webhookKey,
    internalSecret: secrets.internalSecret,
    adminUrl: first.admin,
    adminKey: secrets.adminKey,
    pids,
    postgresUrl: servers[0].databaseUrl,
    redisUrl: servers[0].redisUrl,
    directoryUrl: servers[0].directoryUrl,
  };
}
