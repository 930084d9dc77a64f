/** The operator's REST of the Parley that runs in this folder, or of another one, for tools of the command line. */
import { readFile } from 'node:fs/promises';
import { readRunFile, stop } from './running.mjs';

export const ADMIN_OPTIONS = {
  'admin-url': { type: 'string' },
  'admin-key-file': { type: 'string' },
  region: { type: 'string' },
};

export const ADMIN_HELP = `options of all:
  --region <id>                                which region's operator's REST is asked; the first one by default
  --admin-url <url>  --admin-key-file <file>   another Parley than the one in this folder
In the api's container they need none of these: there its own settings say where its REST is.`;

/** What the operator's REST refused, or that nothing answered. */
export class AdminRefusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/**
 * Opens the operator's REST that the command line names.
 * @param values of {@link ADMIN_OPTIONS}
 * @returns `call`, which ends the process with a sentence when it is refused; `ask`, which throws {@link AdminRefusal}; and
 *   what `.parley/run.json` says, when it was read
 */
export async function openAdmin(values) {
  const keyFile = values['admin-key-file'];
  const adminKey = keyFile === undefined ? undefined : await keyFrom(keyFile);
  const given =
    values['admin-url'] && adminKey ? { adminUrl: values['admin-url'], adminKey } : await besideTheApi(values.region);
  const run = given ?? (await readRunFile());
  const adminUrl = given || !values.region ? run.adminUrl : regionOf(run, values.region).adminUrl;
  const ask = async (method, path, body) => {
    const response = await fetch(`${adminUrl}/v1/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${run.adminKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new AdminRefusal(503, `Nothing answers at ${adminUrl}.`);
    });
    const text = await response.text();
    const answer = text === '' ? undefined : JSON.parse(text);
    if (response.ok) return answer;
    const issues = (answer?.issues ?? []).map(({ path: where, message }) => ` ${where}: ${message}.`).join('');
    const sentence = answer?.detail ?? answer?.title ?? `refused with ${response.status}`;
    throw new AdminRefusal(response.status, `${sentence}${issues}`);
  };
  const call = (...args) => ask(...args).catch((error) => stop(error.message));
  return { ask, call, run };
}

/** In the api's container: the REST on its loopback, with the key it was started with. */
async function besideTheApi(region) {
  const { ADMIN_PORT, PARLEY_ADMIN_BOOTSTRAP_KEY: key, PARLEY_ADMIN_BOOTSTRAP_KEY_FILE: file } = process.env;
  if (!ADMIN_PORT || (!key && !file)) return undefined;
  const { PARLEY_REGION: own } = process.env;
  if (region && region !== own) stop(`This is the api of ${own}: do it beside the one of ${region}.`);
  return { adminUrl: `http://127.0.0.1:${ADMIN_PORT}`, adminKey: key || (await keyFrom(file)) };
}

function regionOf(run, id) {
  return run.regions.find((region) => region.id === id) ?? stop(`No region ${id} runs in this folder.`);
}

async function keyFrom(path) {
  const text = await readFile(path === '-' ? '/dev/stdin' : path, 'utf8').catch(() => stop(`${path} cannot be read.`));
  return text.trim();
}
