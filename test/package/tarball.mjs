import { join } from 'node:path';
import { command } from '../../tools/support/command.mjs';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';

/**
 * The packed package.
 *
 * @typedef {object} Tarball
 * @property {string} folder Temporary folder of the tarball.
 * @property {string} path
 * @property {readonly string[]} files Files of the package, as relative paths.
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
