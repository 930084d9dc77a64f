import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@parley/tools/provision';
import type { GoPrograms } from './go-package';
import { ServerProcess } from './server-process';
import type { RunningTarget, Target } from './target';

/** Where one node of the Go server listens. */
interface Place {
  readonly http: number;
  readonly grpc: number;
}

const HOST = '127.0.0.1';

/** The Go server: alone with its bus inside, or two nodes with NATS, and gRPC between them as its manual has it. */
export function goTarget(programs: GoPrograms, folder: string, nodes: 1 | 2): Target {
  mkdirSync(folder, { recursive: true });
  return {
    id: `go-${nodes}`,
    title: nodes === 1 ? 'Go server, one node' : 'Go server, two nodes + NATS',
    version: programs.version,
    start: (backendUrl) => start(programs, folder, nodes, backendUrl),
  };
}

async function start(programs: GoPrograms, folder: string, nodes: 1 | 2, backendUrl: string): Promise<RunningTarget> {
  const nats = nodes === 2 ? await startNats(programs, folder) : undefined;
  const places: Place[] = [];
  for (let n = 0; n < nodes; n += 1) places.push({ http: await freePort(), grpc: await freePort() });
  const servers: ServerProcess[] = [];
  for (const [index, place] of places.entries()) {
    const config = join(folder, `go-${index + 1}.conf`);
    writeFileSync(config, configOf(place, places, backendUrl, nats?.url ?? 'nats://loopback'));
    servers.push(
      await ServerProcess.start({
        command: programs.signaling,
        args: ['-config', config],
        env: { PATH: process.env.PATH },
        logFile: join(folder, `go-${index + 1}.log`),
        url: `http://${HOST}:${place.http}/api/v1/welcome`,
      }),
    );
  }
  const named = servers.map(({ pid }, index) => [`node ${index + 1}`, pid] as const);
  return {
    urls: places.map(({ http }) => `ws://${HOST}:${http}/spreed`),
    processes: { ...Object.fromEntries(named), ...(nats ? { nats: nats.server.pid } : {}) },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
      await nats?.server.stop();
    },
  };
}

async function startNats({ nats }: GoPrograms, folder: string): Promise<{ server: ServerProcess; url: string }> {
  const port = await freePort();
  const monitor = await freePort();
  const server = await ServerProcess.start({
    command: nats,
    args: ['-a', HOST, '-p', String(port), '-m', String(monitor)],
    env: { PATH: process.env.PATH },
    logFile: join(folder, 'nats.log'),
    url: `http://${HOST}:${monitor}/healthz`,
  });
  return { server, url: `nats://${HOST}:${port}` };
}

function configOf({ http, grpc }: Place, places: readonly Place[], backendUrl: string, nats: string): string {
  const others = places.filter((place) => place.grpc !== grpc).map((place) => `${HOST}:${place.grpc}`);
  const cluster = others.length > 0 ? ['[grpc]', `listen = ${HOST}:${grpc}`, `targets = ${others.join(', ')}`] : [];
  return [
    ...['[http]', `listen = ${HOST}:${http}`],
    ...['[app]', 'debug = false'],
    ...['[sessions]', `hashkey = ${'h'.repeat(32)}`, `blockkey = ${'b'.repeat(32)}`],
    ...['[clients]', 'internalsecret = internal-secret-of-the-bench'],
    ...['[backend]', 'backends = bench', 'timeout = 10', 'connectionsperhost = 8'],
    ...['[bench]', `url = ${backendUrl}`, 'secret = shared with the cloud of the bench'],
    ...['[nats]', `url = ${nats}`],
    ...['[stats]', 'allowed_ips = 127.0.0.1'],
    ...cluster,
    '',
  ].join('\n');
}
