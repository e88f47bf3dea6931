import { packageChecks } from '../test/package/checks.mjs';
import { sourceChecks } from './support/checks.mjs';
import { command } from './support/command.mjs';
import { runSteps } from './support/steps.mjs';
import { testsStep } from './support/tests.mjs';

await runSteps([
  {
    name: 'services',
    run: async () => {
      await command([process.execPath, 'test/services/install.mjs']);
    },
  },
  testsStep('npm test --'),
  ...sourceChecks(),
  ...packageChecks(),
  {
    name: 'sample',
    run: async () => {
      await command('npm start -- --once');
    },
  },
]);
