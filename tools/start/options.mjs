import { parseArgs } from 'node:util';
import { SetupFailure } from '../setup-failure.mjs';

export const HELP = `npm start -- [options]

  --port N            port of the front door (default 8080; each further region takes the next one)
  --regions LIST      regions to run, e.g. eu-1,us-1 (default eu-1)
  --gateways N        signaling replicas per region (default 2)
  --fresh             forget all data and secrets of earlier runs first
  --help              this text

DATABASE_URL and REDIS_URL replace the private PostgreSQL and Redis; PARLEY_HOME replaces the folder .parley.`;

/** The longest list of regions one machine is asked to run. */
const MOST_REGIONS = 8;
const MOST_GATEWAYS = 16;

/**
 * Reads the command line.
 * @returns {{help: boolean, fresh: boolean, port: number, gateways: number, regions: {id: string, number: number}[]}}
 * @throws {SetupFailure} with a sentence about the first thing that is wrong
 */
export function readOptions(args) {
  const { values } = parse(args);
  const regions = String(values.regions)
    .split(',')
    .map((id) => id.trim());
  for (const id of regions) {
    if (!/^[a-z][a-z0-9-]{0,30}$/.test(id))
      throw new SetupFailure(`--regions takes names like eu-1,us-1, and "${id}" is none`);
  }
  if (new Set(regions).size !== regions.length) throw new SetupFailure('--regions names a region twice');
  if (regions.length > MOST_REGIONS) throw new SetupFailure(`--regions takes at most ${MOST_REGIONS} regions`);
  return {
    help: values.help === true,
    fresh: values.fresh === true,
    port: wholeNumber('--port', values.port, 1, 65_535 - regions.length + 1),
    gateways: wholeNumber('--gateways', values.gateways, 1, MOST_GATEWAYS),
    regions: regions.map((id, index) => ({ id, number: index + 1 })),
  };
}

function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string', default: '8080' },
        regions: { type: 'string', default: 'eu-1' },
        gateways: { type: 'string', default: '2' },
        fresh: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new SetupFailure(`${error.message.split('\n')[0].replace(/\.$/, '')}: see \`npm start -- --help\``, {
      cause: error,
    });
  }
}

function wholeNumber(name, text, from, to) {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= from && number <= to) return number;
  throw new SetupFailure(`${name} takes a whole number from ${from} to ${to}, not "${text}"`);
}
