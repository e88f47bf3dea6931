import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';
import { readJson } from './root.mjs';
import { temporaryFolder } from './temporary-folder.mjs';

/** @import { Counts, Step } from './steps.mjs' */

/**
 * Creates a step that runs vitest and counts its tests.
 *
 * @param {string} line - command that starts vitest and accepts further vitest arguments
 * @returns {Step}
 */
export function testsStep(line) {
  return {
    name: 'tests',
    run: async () => {
      const report = join(temporaryFolder('tests'), 'report.json');
      const ended = command(`${line} --reporter=default --reporter=json --outputFile.json="${report}"`);
      const error = await ended.then(() => undefined, String);
      if (!existsSync(report)) throw new Error(error ?? 'vitest wrote no report');
      return countsIn(readJson(report), error);
    },
  };
}

/**
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {{ status: string, assertionResults: { status: string }[] }[]} testResults
 */

/**
 * @param {Report} report
 * @param {string | undefined} error
 * @returns {Counts}
 */
function countsIn(report, error) {
  // A file that does not load fails without a failed test; an unhandled rejection fails without a failed file.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const found = report.numFailedTests + broken.length;
  const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : '';
  const unexplained = error !== undefined && found === 0 ? '; vitest failed without a failed test' : '';
  return {
    passed: report.numPassedTests,
    failed: unexplained ? 1 : found,
    note: `${report.numPassedTests} passed, ${found} failed${skipped}${unexplained}`,
  };
}
