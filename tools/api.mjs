import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { publicEntries } from '../test/package/entries.mjs';
import { compareReports, writeReports } from './api/compare.mjs';
import { makeReports } from './api/reports.mjs';
import { root } from './support/root.mjs';

// Describes the public surface of the built package in etc/, or with --check compares.
if (!existsSync(join(root, 'dist'))) throw new Error('dist does not exist: run npm run build first');

const folder = join(root, 'etc');
const reports = makeReports(root, publicEntries());
const undocumented = reports.flatMap(({ entry, undocumented: names }) =>
  names.map((name) => `${entry}: ${name} has no docstring`),
);
const patches = process.argv.includes('--check') ? compareReports(folder, reports) : [];

if (!process.argv.includes('--check')) writeReports(folder, reports);
if (patches.length > 0) {
  console.error(patches.join('\n'));
  console.error('The public surface has changed. If that is on purpose: npm run api, and commit etc/.');
}
if (undocumented.length > 0) console.error(`${undocumented.join('\n')}\nWrite for the caller what each does.`);
if (patches.length + undocumented.length > 0) process.exitCode = 1;
