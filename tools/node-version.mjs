/** The oldest Node this runs on: package.json's `engines` says the same. */
const OLDEST = [20, 19];

/** The sentence for a Node that is too old, or undefined. Readable by any Node that knows modules. */
export function nodeComplaint(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `Parley needs Node ${OLDEST.join('.')} or newer and this is ${version}: install it from https://nodejs.org`;
}
