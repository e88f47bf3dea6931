import { existsSync } from 'node:fs';
import { readJson } from './root.mjs';

/**
 * A package in a lock file.
 *
 * @typedef {object} LockedPackage
 * @property {string} version
 * @property {string} [integrity]
 * @property {boolean} [optional] May be missing, e.g. a binary for another platform.
 */

/**
 * Whether the installed packages match the lock file. Compares contents, not file times, because a checkout or a copy
 * changes the times.
 *
 * @param {string} wanted - path of package-lock.json
 * @param {string} installed - path of the record that npm keeps inside node_modules
 * @returns {boolean}
 */
export function isUpToDate(wanted, installed) {
  if (!existsSync(installed)) return false;
  const { '': _self, ...expected } = packagesIn(wanted);
  const actual = packagesIn(installed);
  const complete = Object.entries(expected).every(([path, locked]) => {
    const found = actual[path];
    return found ? found.version === locked.version && found.integrity === locked.integrity : locked.optional === true;
  });
  return complete && Object.keys(actual).every((path) => path in expected);
}

/**
 * @param {string} path
 * @returns {Record<string, LockedPackage>}
 */
function packagesIn(path) {
  return readJson(path).packages;
}
