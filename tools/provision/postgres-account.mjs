/** PostgreSQL refuses to run as root, so root runs it as the system user `postgres`, made if it is missing. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';

const ACCOUNT = 'postgres';

function idOf(flag) {
  return Number(execFileSync('id', [flag, ACCOUNT], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

/** `{}` for everybody but root; for root `{uid, gid}` of the account that runs PostgreSQL. */
export function postgresAccount() {
  if (process.getuid?.() !== 0) return {};
  try {
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch {
    execFileSync('groupadd', ['--system', '--force', ACCOUNT], { stdio: 'ignore' });
    execFileSync('useradd', ['--system', '--gid', ACCOUNT, ACCOUNT], { stdio: 'ignore' });
    return { uid: idOf('-u'), gid: idOf('-g') };
  }
}

/** Makes a folder that the account of {@link postgresAccount} owns. */
export function makeFolderFor(account, path) {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  giveTo(account, path);
}

/** Hands a file or folder to the account of {@link postgresAccount}. */
export function giveTo(account, path) {
  if (account.uid !== undefined) chownSync(path, account.uid, account.gid);
}
