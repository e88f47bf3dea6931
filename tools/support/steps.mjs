import { command } from './command.mjs';

/**
 * Passed and failed checks of a step.
 *
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {string} [note] Shown in the summary.
 */

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {() => Promise<Counts | void>} run A step without counts is one check, which fails by throwing.
 */

/** @typedef {Step & Counts & { seconds: number }} Result */

/**
 * Creates a step that runs a script of package.json.
 *
 * @param {string} name
 * @param {string} script
 * @returns {Step}
 */
export function npmScript(name, script) {
  return {
    name,
    run: async () => {
      await command(`npm run --silent ${script}`);
    },
  };
}

/**
 * Runs all steps, even after a failure, and prints a summary that ends with the line `N passed, N failed`. Sets exit code
 * 1 when a step fails. SIGTERM ends the run early, with the summary.
 *
 * @param {readonly Step[]} steps
 */
export async function runSteps(steps) {
  /** @type {Result[]} */
  const results = [];
  process.once('SIGTERM', () => {
    const { name } = /** @type {Step} */ (steps[results.length]);
    summarize([...results, { ...interrupted, name }]);
    process.exit();
  });

  for (const step of steps) {
    console.log(`\n── ${step.name}`);
    const start = performance.now();
    const counts = await countsOf(step);
    results.push({ ...step, ...counts, seconds: (performance.now() - start) / 1000 });
  }
  summarize(results);
}

const interrupted = { run: async () => {}, passed: 0, failed: 1, note: 'interrupted', seconds: 0 };

/**
 * @param {Step} step
 * @returns {Promise<Counts>}
 */
async function countsOf(step) {
  try {
    return (await step.run()) ?? { passed: 1, failed: 0 };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return { passed: 0, failed: 1 };
  }
}

/** @param {readonly Result[]} results */
function summarize(results) {
  const width = Math.max(...results.map(({ name }) => name.length));
  console.log('');
  for (const { name, failed, note, seconds } of results) {
    const state = failed === 0 ? 'ok    ' : 'FAILED';
    console.log(`${state} ${name.padEnd(width)} ${seconds.toFixed(1).padStart(6)} s  ${note ?? ''}`.trimEnd());
  }
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  process.exitCode = failed === 0 ? 0 : 1;
  console.log(`${passed} passed, ${failed} failed`);
}
