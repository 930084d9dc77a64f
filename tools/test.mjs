/** `npm test` and, with `--full`, `npm run test:full`. */
import { nodeComplaint } from './node-version.mjs';

const complaint = nodeComplaint();
if (complaint !== undefined) {
  console.error(complaint);
  process.exit(1);
}
// Imported late: an older Node could not even read these files.
const { runChecks } = await import('./checks/run.mjs');
process.exit(await runChecks({ full: process.argv.includes('--full') }));
