/** `npm start`: everything on this machine, from nothing to a running Parley. See `npm start -- --help`. */
import { nodeComplaint } from './node-version.mjs';

const complaint = nodeComplaint();
if (complaint !== undefined) {
  console.error(complaint);
  process.exit(1);
}
// Imported late: an older Node could not even read these files.
const { start } = await import('./start/run.mjs');
process.exit(await start(process.argv.slice(2)));
