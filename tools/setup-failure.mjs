/** Failures that are the machine's or the user's, not ours: one sentence that says what to do, no stack. */

export class SetupFailure extends Error {
  name = 'SetupFailure';
}

/** The sentence for an error, or undefined when it is a bug, whose stack somebody must see. */
export function sentenceFor(error, root) {
  if (isDiskFull(error)) return `the disk is full: free some space where ${root} lies and try again`;
  return error instanceof SetupFailure ? error.message : undefined;
}

function isDiskFull(error) {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.code === 'ENOSPC' || /ENOSPC|no space left on device/i.test(cause.message)) return true;
  }
  return false;
}

/** The last lines of a text, for showing what a program said before it failed. */
export function lastLines(text, count = 5) {
  return text.trim().split('\n').slice(-count).join('\n');
}
