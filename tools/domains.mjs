/** Domains of the Parley that runs in this folder, or of another one (`--admin-url`, `--admin-key-file`). */
import { ADMIN_HELP, ADMIN_OPTIONS, openAdmin } from './admin.mjs';
import { moveDomain } from './move/move-domain.mjs';
import { createProgress } from './progress.mjs';
import { readCommandLine, stop } from './running.mjs';

const COMMAND = 'npm run domains';
const HELP = `usage: ${COMMAND} -- list
       ${COMMAND} -- add <name> --account <slug> [options]
       ${COMMAND} -- change <name> [options]
       ${COMMAND} -- remove <name>
       ${COMMAND} -- move <name> --to <region> [--dry-run] [--close-rooms]
       ${COMMAND} -- move <name> --cancel

list, add, change and remove are about the domains that are at home in the region that is asked.

options of add and change; what is not said stays:
  --residency <mode>      strict: other regions answer 421 and pass nothing on; proxy: they pass calls on
  --host <host>           a host name that leads to it (may be repeated; on change these replace those it has)
options of move, which can be interrupted and repeated until it is done:
  --to <region>           its new home
  --dry-run               says what would be moved and what stands in the way, and changes nothing
  --close-rooms           closes its open rooms and leads those inside there; without it a domain with open rooms stays
  --cancel                takes a move back, as long as the directory has not been told
${ADMIN_HELP}`;

const { values, positionals } = readCommandLine(COMMAND, HELP, {
  allowPositionals: true,
  options: {
    account: { type: 'string' },
    residency: { type: 'string' },
    host: { type: 'string', multiple: true },
    to: { type: 'string' },
    'dry-run': { type: 'boolean' },
    'close-rooms': { type: 'boolean' },
    cancel: { type: 'boolean' },
    ...ADMIN_OPTIONS,
  },
});
const { ask } = await openAdmin(values);
const [action, name] = positionals;
const path = `/domains/${encodeURIComponent(name ?? '')}`;

/** What to do about a refusal, or nothing. */
function whatNext({ status, message }) {
  const toGive = `npm run accounts -- give ${values.account} --to <region>`;
  if (message.startsWith('There is no account')) return ` One of another region is made known first: ${toGive}.`;
  if (message.startsWith('There is no domain')) return ' If it is at home in another one, say so with --region.';
  if (action !== 'move' || values['dry-run'] || values.cancel) return '';
  if (status === 503) return ' The move stands where it is; repeat the command and it goes on.';
  return status === 409 ? ' With --dry-run the command says what stands in the way.' : '';
}

function refuse(error) {
  stop(`${error.message}${whatNext(error)}`);
}

const call = (...args) => ask(...args).catch(refuse);

/** What was said on the command line, and nothing else. */
function settings() {
  const { residency, host } = values;
  if (residency !== undefined && residency !== 'strict' && residency !== 'proxy') {
    stop('--residency takes strict or proxy.');
  }
  return { ...(residency && { strictResidency: residency === 'strict' }), ...(host && { hosts: host }) };
}

function line({ name: domain, region, strictResidency, movingTo, hosts }) {
  const residency = strictResidency ? 'strict' : 'proxy';
  return [domain, region, residency, hosts.join(' '), ...(movingTo ? [`moving to ${movingTo}`] : [])].join('\t');
}

async function move() {
  const to = values.to ?? stop('Say --to.');
  if (values['dry-run']) return plan(to);
  const progress = createProgress();
  // A step that is under way ends by itself; nothing is lost.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      console.log(`\nInterrupted. ${name} stands where it was; repeat the command and it goes on.`);
      process.exit(130);
    });
  }
  const step = () => ask('POST', `${path}/move`, { to, closeRooms: values['close-rooms'] === true });
  await moveDomain({ step, progress }).catch(refuse);
  progress.say(`${name} is at home in ${to}.`);
}

async function plan(to) {
  const { from, rows, openRooms, obstacles } = await call('POST', `${path}/move/plan`, { to });
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  console.log(`${name} would move from ${from} to ${to} with ${total} rows${total > 0 ? ':' : '.'}`);
  for (const [table, count] of Object.entries(rows))
    if (count > 0) console.log(`  ${String(count).padStart(9)}  ${table}`);
  if (openRooms > 0) console.log(`Open rooms: ${openRooms}. They have to end, or --close-rooms closes them.`);
  for (const obstacle of obstacles) console.log(`It cannot begin: ${obstacle}`);
  if (obstacles.length > 0) process.exitCode = 1;
}

async function add(account) {
  const made = await call('POST', '/domains', { name, account, ...settings() });
  console.log(line(made));
  console.log(`webhook key, shown only now: ${made.webhookKey}`);
}

if (action === 'list') {
  for (const domain of (await call('GET', '/domains')).domains) console.log(line(domain));
} else if (action === 'add' && name) {
  await add(values.account ?? stop('Say --account.'));
} else if (action === 'change' && name) {
  const changes = settings();
  if (Object.keys(changes).length === 0) stop(`Say what is to be changed: see "${COMMAND} -- --help".`);
  console.log(line(await call('PATCH', path, changes)));
  if (values.residency) console.log('All regions heed that within a minute.');
} else if (action === 'remove' && name) {
  await call('DELETE', path);
  console.log(`${name} is removed`);
} else if (action === 'move' && name && values.cancel) {
  await call('DELETE', `${path}/move`);
  console.log(`${name} stays where it was`);
} else if (action === 'move' && name) await move();
else stop(HELP);
