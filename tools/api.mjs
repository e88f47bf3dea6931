import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { publicEntries } from '../test/package/entries.mjs';
import { compareReports, writeReports } from './api/compare.mjs';
import { makeReports } from './api/reports.mjs';
import { root } from './support/root.mjs';

// Describes the public surface of the built package in etc/, or with --check compares the two.
if (!existsSync(join(root, 'dist'))) throw new Error('dist does not exist; run npm run build first');

const folder = join(root, 'etc');
const reports = makeReports(root, publicEntries());
const faults = reports.flatMap(({ entry, undocumented }) =>
  undocumented.map((name) => `${entry}: ${name} has no docstring; write what it does for the caller`),
);
if (!process.argv.includes('--check')) writeReports(folder, reports);
else {
  const patches = compareReports(folder, reports);
  faults.push(...patches);
  if (patches.length > 0)
    faults.push('The public surface has changed. If you mean it, run npm run api and commit etc/.');
}
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
}
