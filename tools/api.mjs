import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { publicEntries } from '../test/package/entries.mjs';
import { createReports } from './api/api-reports.mjs';
import { compareReports, writeReports } from './api/committed-reports.mjs';
import { root } from './support/root.mjs';

// Writes the reports of the public surface to etc/. With --check, compares them instead.
if (!existsSync(join(root, 'dist'))) throw new Error('dist does not exist; run npm run build first');

const folder = join(root, 'etc');
const reports = createReports(root, publicEntries());
const problems = reports.flatMap(({ entry, undocumented }) =>
  undocumented.map((name) => `${entry}: ${name} has no docstring; write what it does for the caller`),
);
if (!process.argv.includes('--check')) writeReports(folder, reports);
else {
  const patches = compareReports(folder, reports);
  problems.push(...patches);
  if (patches.length > 0)
    problems.push('The public surface has changed. If you mean it, run npm run api and commit etc/.');
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
