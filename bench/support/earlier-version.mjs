import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * A script of an earlier version, which loads that version of the package.
 *
 * @param {string} checkout - folder of the checkout, built
 * @param {string} script - path below its `bench`
 * @returns {URL}
 * @throws Error when the checkout has no build
 */
export function earlierScript(checkout, script) {
  if (!existsSync(join(checkout, 'dist'))) {
    throw new Error(`${checkout} has no dist; run npm ci and npx nest build there first`);
  }
  return pathToFileURL(resolve(checkout, 'bench', script));
}
