/** `npm start`: everything on this machine, from nothing to a running Parley. See `npm start -- --help`. */

const OLDEST = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  console.error(
    `Parley needs Node ${OLDEST.join('.')} or newer and this is ${process.versions.node}: install it from https://nodejs.org`,
  );
  process.exitCode = 1;
} else {
  // Imported late: an older Node could not even read these files.
  const { start } = await import('./start/run.mjs');
  process.exit(await start(process.argv.slice(2)));
}
