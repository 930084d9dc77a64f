/** Accounts of the Parley that runs in this folder, or of another one (`--admin-url`, `--admin-key-file`). */
import { ADMIN_HELP, ADMIN_OPTIONS, openAdmin } from './admin.mjs';
import { laggingText, untilHeard } from './accounts/spreading.mjs';
import { createProgress } from './progress.mjs';
import { readCommandLine, stop } from './running.mjs';

const COMMAND = 'npm run accounts';
const HELP = `usage: ${COMMAND} -- list
       ${COMMAND} -- add <slug> [--auth-id <text>]
       ${COMMAND} -- regions <slug>
       ${COMMAND} -- give <slug> --to <region>
       ${COMMAND} -- rotate-secret <slug> [--wait]

  regions         which other regions have the account's record, and whether it is the newest
  give            makes it known in a region, so that it can have domains there
  rotate-secret   gives it a new secret, in all its regions; names those that do not answer
options:
  --auth-id <text>        what its back ends call themselves; made up if absent
  --to <region>           the region it is given to
  --wait                  waits until all regions have the new secret
${ADMIN_HELP}`;

const { values, positionals } = readCommandLine(COMMAND, HELP, {
  allowPositionals: true,
  options: {
    'auth-id': { type: 'string' },
    to: { type: 'string' },
    wait: { type: 'boolean' },
    ...ADMIN_OPTIONS,
  },
});
const { ask, call } = await openAdmin(values);
const [action, slug] = positionals;
const path = `/accounts/${encodeURIComponent(slug ?? '')}`;

function lineOf({ slug: name, authId, disabledAt }) {
  return [name, authId, ...(disabledAt ? ['disabled'] : [])].join('\t');
}

function show({ regions }) {
  for (const { region, lags } of regions) console.log(`${region}\t${lags ? 'lags' : 'has it'}`);
}

async function rotate() {
  const progress = createProgress();
  const rotated = await progress
    .step(`Give ${slug} a new secret`, async (report) => {
      report('telling its regions');
      const answer = await ask('POST', `${path}/rotate-secret`);
      return { ...answer, note: answer.accepted ? 'all regions have it' : laggingText(answer.lagging) };
    })
    .catch((error) => stop(error.message));
  progress.say(`secret, shown only now: ${rotated.secret}`);
  if (rotated.accepted) return progress.say('It counts everywhere; the former one is void.');
  progress.say('Until they have heard of it the former secret counts as well. They are told as soon as they answer.');
  if (values.wait) await waitForAll(progress);
}

async function waitForAll(progress) {
  // The secret is printed: whoever ends this loses nothing.
  const look = () => ask('GET', `${path}/regions`);
  await progress
    .step('Wait for the regions that lag', (report) => untilHeard(look, report))
    .catch((error) => stop(error.message));
}

if (action === 'list') {
  for (const account of (await call('GET', '/accounts')).accounts) console.log(lineOf(account));
} else if (action === 'add' && slug) {
  const authId = values['auth-id'];
  const made = await call('POST', '/accounts', { slug, ...(authId && { authId }) });
  console.log(lineOf(made));
  console.log(`secret, shown only now: ${made.secret}`);
} else if (action === 'regions' && slug) show(await call('GET', `${path}/regions`));
else if (action === 'give' && slug) {
  show(await call('POST', `${path}/regions`, { region: values.to ?? stop('Say --to.') }));
} else if (action === 'rotate-secret' && slug) await rotate();
else stop(HELP);
