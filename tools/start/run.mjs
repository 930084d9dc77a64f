/** `npm start` once the Node version is known to be right. Until the packages are installed, built-in modules only. */
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { createProgress, seconds } from '../progress.mjs';
import { ensureRedis } from '../provision/ensure-redis.mjs';
import { installPackages } from '../provision/packages.mjs';
import { freePort, isPortFree } from '../provision/ports.mjs';
import { startUndertaker } from '../provision/undertaker.mjs';
import { repositoryRoot as root } from '../repository.mjs';
import { sentenceFor, SetupFailure } from '../setup-failure.mjs';
import { createSupervisor } from '../supervisor.mjs';
import { makeFolders, parleyFolder, wipe } from './folder.mjs';
import { HELP, readOptions } from './options.mjs';
import { layOut, portsPerRegion, runDescription, servicesOf } from './plan.mjs';
import { writePrivateFile } from './private-file.mjs';
import { loadSecrets } from './secrets.mjs';
import { claimFolder } from './single-run.mjs';
import { welcomeText } from './welcome.mjs';

/** Variables of the caller that services are handed; all others would make two starts differ. */
const INHERITED = [
  'PATH',
  'HOME',
  'LANG',
  'TZ',
  'NODE_ENV',
  'LOG_LEVEL',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
];

/** Runs until it is told to stop; answers the exit code. */
export async function start(args) {
  const progress = createProgress();
  const run = {
    progress,
    folder: parleyFolder(root, process.env.PARLEY_HOME),
    cleanUps: [],
    abort: new AbortController(),
    ready: false,
  };
  try {
    const options = readOptions(args);
    if (options.help) {
      progress.say(HELP);
      return 0;
    }
    const stopped = listenForStop(run);
    await bringUp(run, options);
    await stopped;
    return 0;
  } catch (error) {
    if (run.abort.signal.aborted) {
      progress.say('Stopped before it was ready.');
      return 130;
    }
    progress.say(sentenceFor(error, root) ?? error?.stack ?? String(error));
    return 1;
  } finally {
    await cleanUp(run);
  }
}

/** Resolves when the user asks for the end. The second time, everything is killed at once. */
function listenForStop(run) {
  return new Promise((resolve) => {
    const stop = () => {
      if (run.abort.signal.aborted) return run.supervisor?.kill();
      run.abort.abort();
      // A start that waits for the services notices that they end.
      if (!run.ready) void run.supervisor?.stop();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
    // Nobody reads us any more, e.g. the other end of a pipe has ended: there is nobody to stop us later either.
    process.stdout.once('error', stop).on('error', () => undefined);
  });
}

/** Undoes what was started, the newest first. */
async function cleanUp(run) {
  if (run.cleanUps.length === 0) return;
  const undo = async () => {
    for (let step; (step = run.cleanUps.pop());) {
      await step().catch((error) => run.progress.say(`while stopping: ${error.message}`));
    }
  };
  if (run.supervisor === undefined) return undo();
  await run.progress.step('Stop everything', undo);
}

async function bringUp(run, options) {
  const { progress, folder } = run;
  const { signal } = run.abort;
  const startedAt = performance.now();
  makeFolders(folder);
  const claim = await claimFolder(folder, root, options.port);
  run.cleanUps.push(async () => claim.release());
  if (options.fresh) wipe(folder);
  await checkPorts(options);
  watchOver(run, claim);

  await progress.step('Install packages', async (report) => {
    const did = await installPackages({ root, logFile: `${folder.logs}/install.log`, report, signal });
    return { note: did ? '' : 'up to date' };
  });
  stopIfAsked(run);
  const redis = await progress.step('Find Redis', (report) => ensureRedis({ report }));
  const secrets = loadSecrets(folder.secrets);
  const [servers] = await settleAll([prepareServers(run, options, secrets, redis), prepareCode(run)]);
  stopIfAsked(run);
  await prepareData(run, options, secrets, servers);
  stopIfAsked(run);
  const description = await startServices(run, options, secrets, servers);
  run.ready = true;
  const [runFile, logs] = [folder.run, folder.logs].map((path) => relative(process.cwd(), path));
  progress.say(welcomeText(description, { run: runFile, logs }));
  progress.say(`Started in ${seconds(performance.now() - startedAt)}.`);
}

/** Like Promise.all, but a failure is told only when the others have ended: what they started must be known. */
async function settleAll(promises) {
  const outcomes = await Promise.allSettled(promises);
  const failure = outcomes.find(({ status }) => status === 'rejected');
  if (failure) throw failure.reason;
  return outcomes.map(({ value }) => value);
}

/** Between two steps: whoever pressed Ctrl-C does not wait for the next one. */
function stopIfAsked(run) {
  run.abort.signal.throwIfAborted();
}

async function checkPorts({ port, regions }) {
  for (let offset = 0; offset < regions.length; offset += 1) {
    if (await isPortFree(port + offset)) continue;
    throw new SetupFailure(
      `port ${port + offset} is in use: stop the program that listens there, or choose another with \`npm start -- --port ${port + 1000}\``,
    );
  }
}

/** The undertaker ends what we started if we are killed; the list on disk helps when it is killed as well. */
function watchOver(run, claim) {
  const { folder } = run;
  const undertaker = startUndertaker();
  claim.setUndertaker(undertaker.pid);
  writeFileSync(folder.processes, '', { mode: 0o600 });
  const noteDown = (line) => appendFileSync(folder.processes, `${line}\n`);
  run.watcher = {
    watch: (pid, signal = 'SIGTERM') => {
      noteDown(`+${pid} ${signal}`);
      undertaker.watch(pid, signal);
    },
    forget: (pid) => {
      noteDown(`-${pid}`);
      undertaker.forget(pid);
    },
  };
  run.cleanUps.push(async () => {
    await undertaker.close();
    rmSync(folder.processes, { force: true });
  });
}

/** What was opened is noted to be closed as soon as it is there, whatever happens to the rest. */
function closeLater(run, server) {
  if (server.stop === undefined) return;
  run.cleanUps.push(async () => {
    await server.stop();
    if (server.pid !== undefined) run.watcher.forget(server.pid);
  });
}

async function prepareServers(run, options, secrets, redis) {
  const { openPostgres, openRedis, makeDatabases } = await import('./servers.mjs');
  const shared = { folder: run.folder, onStart: run.watcher.watch };
  return run.progress.step('Start Redis and PostgreSQL', async () => {
    const [postgres, redisServers] = await settleAll([
      openPostgres({ ...shared, givenUrl: process.env.DATABASE_URL, password: secrets.postgresPassword }).then(
        (server) => {
          closeLater(run, server);
          return server;
        },
      ),
      openRedis({ ...shared, regions: options.regions, givenUrl: redis.url, password: secrets.redisPassword }).then(
        (servers) => {
          for (const server of servers) closeLater(run, server);
          return servers;
        },
      ),
    ]);
    const { databaseUrls, directoryUrl } = await makeDatabases(postgres, options.regions);
    return options.regions.map((_region, index) => ({
      databaseUrl: databaseUrls[index],
      directoryUrl,
      redisUrl: redisServers[index].url,
    }));
  });
}

async function prepareCode(run) {
  await run.progress.step('Generate the database client', async () => {
    const { generate } = await import('../prisma-generate.mjs');
    return { note: (await generate()) ? '' : 'up to date' };
  });
  await run.progress.step('Build', async () => {
    const { build } = await import('../build.mjs');
    const compiled = await build();
    return { note: compiled === 0 ? 'up to date' : `${compiled} files` };
  });
}

async function prepareData(run, options, secrets, servers) {
  await run.progress.step('Migrate', async () => {
    const { migrate } = await import('../migrate.mjs');
    const urls = new Set(servers.flatMap(({ databaseUrl, directoryUrl }) => [databaseUrl, directoryUrl]));
    let applied = 0;
    for (const url of urls) applied += (await migrate(url)).length;
    return { note: applied === 0 ? 'up to date' : `${applied} applied` };
  });
  await run.progress.step('Seed', async () => {
    const { seed } = await import('./seed.mjs');
    await seed(options.regions, servers, secrets);
  });
}

async function startServices(run, options, secrets, servers) {
  const ports = new Set();
  while (ports.size < portsPerRegion(options.gateways) * options.regions.length) ports.add(await freePort());
  const regions = layOut(options, ports);
  const environment = Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  const where = { root, logs: run.folder.logs, environment };
  const specs = regions.flatMap((region, index) => servicesOf(region, regions, servers[index], secrets, where));
  const describe = () => runDescription(regions, servers, secrets, run.supervisor.pids());
  run.supervisor = createSupervisor({
    report: run.progress.say,
    onChange: () => writePrivateFile(run.folder.run, describe()),
    undertaker: run.watcher,
  });
  run.cleanUps.push(async () => {
    rmSync(run.folder.run, { force: true });
    await run.supervisor.stop();
  });
  await run.progress.step('Start the services', (report) =>
    run.supervisor.start(specs, (missing) => report(missing.length === 0 ? '' : `waiting for ${missing.join(', ')}`)),
  );
  writePrivateFile(run.folder.run, describe());
  return describe();
}
