/** Counting: what Jest says in `--json`, read strictly. */

/**
 * A skipped or todo test counts as failed, and so does a file that could not be run: nothing may look green that did not run.
 * @param {object} results what `jest --json` wrote, or undefined when it wrote nothing
 */
export function countTests(results) {
  if (results === undefined) return { passed: 0, failed: 0, skipped: [], broken: [] };
  const skipped = [];
  const broken = [];
  for (const file of results.testResults) {
    if (file.assertionResults.length === 0) broken.push(file.name);
    for (const test of file.assertionResults) {
      if (test.status !== 'passed' && test.status !== 'failed') skipped.push(`${file.name}: ${test.fullName}`);
    }
  }
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests + skipped.length + broken.length,
    skipped,
    broken,
  };
}

/** The last line of a run. */
export function countLine({ passed, failed }) {
  return `${passed} passed, ${failed} failed`;
}
