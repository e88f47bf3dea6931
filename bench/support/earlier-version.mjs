import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * URL of a benchmark script of an earlier version, which loads that version of the package.
 *
 * @param {string} checkout - folder of the earlier version, built
 * @param {string} script - path below `bench`
 * @returns {URL}
 * @throws Error when the earlier version is not built
 */
export function earlierScript(checkout, script) {
  if (!existsSync(join(checkout, 'dist'))) {
    throw new Error(`${checkout} has no dist; run npm ci and npx nest build there first`);
  }
  return pathToFileURL(resolve(checkout, 'bench', script));
}
