import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where everything that belongs to a run on this machine lies; `PARLEY_HOME` puts it elsewhere, so that runs can stand side by side. */
export function parleyFolder(root) {
  const folder = resolve(process.env.PARLEY_HOME ?? join(root, '.parley'));
  return {
    path: folder,
    logs: join(folder, 'logs'),
    postgres: join(folder, 'postgres'),
    redis: (region) => join(folder, 'redis', region),
    secrets: join(folder, 'secrets.json'),
    run: join(folder, 'run.json'),
    lock: join(folder, 'start.json'),
    processes: join(folder, 'processes'),
  };
}

/** Makes the folders that must be there before anything else. */
export function makeFolders(folder) {
  // Walking through is allowed to all: root runs PostgreSQL, whose data lies below, as another account.
  mkdirSync(folder.path, { recursive: true });
  chmodSync(folder.path, 0o711);
  mkdirSync(folder.logs, { recursive: true, mode: 0o700 });
}

/** Forgets data, secrets and logs; the lock of the run that asks for it stays. */
export function wipe(folder) {
  for (const path of [folder.postgres, join(folder.path, 'redis'), folder.secrets, folder.run, folder.logs]) {
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }
  makeFolders(folder);
}
