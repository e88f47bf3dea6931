import { runSteps } from '../../tools/support/steps.mjs';
import { packageChecks } from './checks.mjs';

await runSteps(packageChecks());
