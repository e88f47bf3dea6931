import { existsSync } from 'node:fs';
import { readJson } from './root.mjs';

/**
 * One package in a lock file.
 *
 * @typedef {object} LockedPackage
 * @property {string} version
 * @property {string} [integrity]
 * @property {boolean} [optional] May be left out, e.g. a binary for another platform.
 */

/**
 * Whether what npm installed is what the lock file asks for. Contents are compared, not ages: a checkout or a copy
 * changes the age of a file at will.
 *
 * @param {string} wanted - path of package-lock.json
 * @param {string} installed - path of the record that npm keeps inside node_modules
 * @returns {boolean}
 */
export function isFresh(wanted, installed) {
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
