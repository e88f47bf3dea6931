import { packageChecks } from '../test/package/checks.mjs';
import { sourceChecks } from './support/checks.mjs';
import { runSteps } from './support/steps.mjs';
import { testsStep } from './support/tests.mjs';

const skipTests = process.argv.includes('--skip-tests');
const tests = skipTests ? [] : [testsStep('npx --no-install vitest run')];

await runSteps([...sourceChecks(), ...tests, ...packageChecks()]);
