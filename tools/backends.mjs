/**
 * Nextcloud backends of the Parley that runs in this folder, or of another one (`--admin-url`, `--admin-key-file`).
 */
import { readFile } from 'node:fs/promises';
import { ADMIN_HELP, ADMIN_OPTIONS, openAdmin } from './admin.mjs';
import { readCommandLine, stop } from './running.mjs';

const COMMAND = 'npm run backends';
const HELP = `usage: ${COMMAND} -- list
       ${COMMAND} -- add <id> --url <url> [--url <url>] --secret-file <file> [options]
       ${COMMAND} -- change <id> [options]
       ${COMMAND} -- remove <id>

option of add alone:
  --domain <name>               whose rooms they are; the demo domain by default
options of add and change; what is not said stays, "none" takes a limit, the ranges or the internal secret away:
  --secret-file <file>          holds the secret of Talk's settings ("-": standard input)
  --internal-secret-file <file> holds the secret of its internal clients (recording, SIP)
  --session-limit <n>           how many sessions it may have at once
  --max-stream-bitrate <bits/s> told to its clients
  --max-screen-bitrate <bits/s> told to its clients
  --allow-private <cidr>        it has addresses in this range; makes plain http possible (may be repeated)
  --foreign-entry               people of other protocols may enter its rooms
  --no-foreign-entry            they may not
${ADMIN_HELP}`;

const { values, positionals } = readCommandLine(COMMAND, HELP, {
  allowPositionals: true,
  options: {
    url: { type: 'string', multiple: true },
    domain: { type: 'string' },
    'secret-file': { type: 'string' },
    'internal-secret-file': { type: 'string' },
    'session-limit': { type: 'string' },
    'max-stream-bitrate': { type: 'string' },
    'max-screen-bitrate': { type: 'string' },
    'allow-private': { type: 'string', multiple: true },
    'foreign-entry': { type: 'boolean' },
    'no-foreign-entry': { type: 'boolean' },
    ...ADMIN_OPTIONS,
  },
});

const { call: admin, run } = await openAdmin(values);
const call = (method, path, body) => admin(method, `/backends${path}`, body);

/** Secrets are read from files, so that they stand in no process list and no shell history. */
async function secretFrom(option) {
  const path = values[option];
  if (path === undefined) return undefined;
  const text = await readFile(path === '-' ? '/dev/stdin' : path, 'utf8').catch(() => stop(`${path} cannot be read.`));
  return text.trim();
}

const isNone = (value) => value === 'none';

/** What was said on the command line, and nothing else. */
async function settings() {
  const numberOf = (option) => (isNone(values[option]) ? null : values[option] && Number(values[option]));
  const ranges = values['allow-private'];
  const internal = values['internal-secret-file'];
  return {
    urls: values.url,
    secret: await secretFrom('secret-file'),
    internalSecret: isNone(internal) ? null : await secretFrom('internal-secret-file'),
    sessionLimit: numberOf('session-limit'),
    maxStreamBitrate: numberOf('max-stream-bitrate'),
    maxScreenBitrate: numberOf('max-screen-bitrate'),
    foreignEntry: values['no-foreign-entry'] ? false : values['foreign-entry'],
    allowPrivate: ranges?.filter((range) => !isNone(range)),
  };
}

async function add(id) {
  const { secret, urls, internalSecret, ...more } = await settings();
  const made = await call('POST', '', {
    id,
    domain: values.domain ?? run.domain ?? stop('Say --domain.'),
    urls: urls ?? [],
    secret: secret ?? stop(`Say --secret-file: see "${COMMAND} -- --help".`),
    ...(internalSecret && { internalSecret }),
    ...more,
  });
  console.log(`${made.id}: ${made.urls.join(', ')} may use this cluster now`);
}

async function change(id) {
  const changes = JSON.parse(JSON.stringify(await settings()));
  if (Object.keys(changes).length === 0) stop(`Say what is to be changed: see "${COMMAND} -- --help".`);
  const changed = await call('PATCH', `/${encodeURIComponent(id)}`, changes);
  console.log(`${changed.id} is changed: ${Object.keys(changes).join(', ')}`);
}

async function list() {
  const { backends } = await call('GET', '');
  if (backends.length === 0) console.log('There are no backends.');
  for (const { id, domain, urls, sessionLimit } of backends) {
    console.log(`${id}\t${domain}\t${urls.join(' ')}\t${sessionLimit ? `at most ${sessionLimit} sessions` : ''}`);
  }
}

const [action, id] = positionals;
if (action === 'list') await list();
else if (action === 'add' && id) await add(id);
else if (action === 'change' && id) await change(id);
else if (action === 'remove' && id) {
  await call('DELETE', `/${encodeURIComponent(id)}`);
  console.log(`${id} is removed`);
} else stop(HELP);
