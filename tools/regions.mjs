/** Regions of the Parley that runs in this folder, or of another one (`--admin-url`, `--admin-key-file`). */
import { ADMIN_HELP, ADMIN_OPTIONS, openAdmin } from './admin.mjs';
import { readCommandLine, stop } from './running.mjs';

const COMMAND = 'npm run regions';
const HELP = `usage: ${COMMAND} -- list
       ${COMMAND} -- add <id> --number <n> --api-url <url> --signaling-url <url> [options]
       ${COMMAND} -- change <id> [options]
       ${COMMAND} -- remove <id>

option of add alone:
  --number <n>            1 to 1023; stands in every numeric id that the region issues, never used for another one
options of add and change; what is not said stays:
  --api-url <url>         base URL of its front door
  --signaling-url <url>   ws or wss base URL of its signaling
  --state <state>         serving, draining (gets nothing new) or down (is asked nothing at all)
  --position <lat,lon>    where it stands, in degrees; "none" takes it away
  --group <name>          regions of a group stand in for each other first; "none" takes it away
${ADMIN_HELP}`;

const { values, positionals } = readCommandLine(COMMAND, HELP, {
  allowPositionals: true,
  options: {
    number: { type: 'string' },
    'api-url': { type: 'string' },
    'signaling-url': { type: 'string' },
    state: { type: 'string' },
    position: { type: 'string' },
    group: { type: 'string' },
    ...ADMIN_OPTIONS,
  },
});
const { call } = await openAdmin(values);

/** What was said on the command line, and nothing else. */
function settings() {
  const { state, group, position } = values;
  const said = {
    apiUrl: values['api-url'],
    signalingUrl: values['signaling-url'],
    state,
    group: group === 'none' ? null : group,
    position: position === 'none' ? null : position && placeOf(position),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function placeOf(text) {
  const [latitude, longitude, ...rest] = text.split(',').map(Number);
  if (rest.length > 0 || !Number.isFinite(latitude) || !Number.isFinite(longitude)) {
    stop('--position takes degrees, for example 50.1,8.7.');
  }
  return { latitude, longitude };
}

function line({ id, number, state, apiUrl, signalingUrl, position, group, version }) {
  const said = [
    position && `at ${position.latitude},${position.longitude}`,
    group && `group ${group}`,
    version === 0 && '(not in the directory)',
  ];
  return [id, number, state, apiUrl, signalingUrl, ...said.filter(Boolean)].join('\t');
}

const [action, id] = positionals;
if (action === 'list') {
  for (const region of (await call('GET', '/regions')).regions) console.log(line(region));
} else if (action === 'add' && id) {
  console.log(line(await call('POST', '/regions', { id, number: Number(values.number), ...settings() })));
} else if (action === 'change' && id) {
  const changes = settings();
  if (Object.keys(changes).length === 0) stop(`Say what is to be changed: see "${COMMAND} -- --help".`);
  console.log(line(await call('PATCH', `/regions/${encodeURIComponent(id)}`, changes)));
} else if (action === 'remove' && id) {
  await call('DELETE', `/regions/${encodeURIComponent(id)}`);
  console.log(`${id} is removed`);
} else stop(HELP);
