import { checkDocs } from './docs/check.mjs';
import { root } from './support/root.mjs';

const { faults, summary } = checkDocs(root);
for (const fault of faults) console.error(fault);
console.log(summary);
process.exitCode = faults.length > 0 ? 1 : 0;
