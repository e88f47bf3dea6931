import { checkDocs } from './docs/check-docs.mjs';
import { root } from './support/root.mjs';

const { problems, summary } = checkDocs(root);
for (const problem of problems) console.error(problem);
console.log(summary);
process.exitCode = problems.length > 0 ? 1 : 0;
