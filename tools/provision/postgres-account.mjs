/** PostgreSQL refuses to run as root, so root runs it as the system user `postgres`, made if it is missing. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const ACCOUNT = 'postgres';

/** What lets a process of another account pass folders that only root may enter, such as /root. */
const PASS_FOLDERS = ['--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override'];

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

/**
 * How to run a program as the account: `{command, args, options}` for spawn.
 * @param {string[]} paths folders the program must reach
 */
export function asAccount(account, command, args, paths) {
  if (account.uid === undefined) return { command, args, options: {} };
  if ([dirname(command), ...paths].every((path) => canReach(account, path))) return { command, args, options: account };
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  return { command: 'setpriv', args: [...identity, ...PASS_FOLDERS, command, ...args], options: {} };
}

function canReach(account, path) {
  for (let folder = path; ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder);
    const [owner, group] = [uid === account.uid, gid === account.gid];
    if ((mode & (owner ? 0o100 : group ? 0o010 : 0o001)) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
