import { join } from 'node:path';
import { command } from '../../tools/support/command.mjs';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';

/**
 * The package as it would be published.
 *
 * @typedef {object} Tarball
 * @property {string} folder Temporary folder that holds it.
 * @property {string} path
 * @property {readonly string[]} files What is inside, as paths relative to the package.
 */

/**
 * Packs the built package.
 *
 * @returns {Promise<Tarball>}
 */
export async function pack() {
  const folder = temporaryFolder('pack');
  const printed = await command(`npm pack --json --ignore-scripts --pack-destination "${folder}"`, { capture: true });
  /** @type {[{ filename: string, files: { path: string }[] }]} */
  const [{ filename, files }] = JSON.parse(printed);
  return { folder, path: join(folder, filename), files: files.map(({ path }) => path) };
}
