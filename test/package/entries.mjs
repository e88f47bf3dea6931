import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { readJson, root } from '../../tools/support/root.mjs';

/**
 * A public entry of the package.
 *
 * @typedef {object} Entry
 * @property {string} subpath Subpath as in `exports`, with expanded wildcards.
 * @property {string} types Path of the declarations of the ES modules, relative to the package.
 * @property {string} code Path of the code of the ES modules, relative to the package.
 * @property {{ types: string, code: string }} cjs The same paths for CommonJS.
 * @property {readonly string[]} peers Peers that users of the entry have: the required peers for the root entry, the
 *   optional peer of the same name for a subpath.
 */

const { exports, peerDependencies, peerDependenciesMeta } = readJson(join(root, 'package.json'));

/**
 * Lists the entries in `exports` of package.json.
 *
 * @returns {Entry[]}
 */
export function publicEntries() {
  return Object.entries(exports).flatMap(([pattern, target]) => {
    if (typeof target === 'string') return [];
    if (['module-sync', 'import', 'require'].some((condition) => !target[condition]?.types)) {
      throw new Error(`exports of ${pattern}: give types and default for module-sync, import and require`);
    }
    return namesFor(target.import.default).map((name) => {
      const subpath = pattern.replace('*', name);
      return { subpath, ...pathsOf(target.import, name), cjs: pathsOf(target.require, name), peers: peersOf(subpath) };
    });
  });
}

/**
 * @param {{ types: string, default: string }} target
 * @param {string} name - in the place of the wildcard
 */
function pathsOf(target, name) {
  return {
    types: posix.normalize(target.types.replace('*', name)),
    code: posix.normalize(target.default.replace('*', name)),
  };
}

/** @param {string} subpath */
function peersOf(subpath) {
  const peers = Object.keys(peerDependencies);
  const required = peers.filter((peer) => !peerDependenciesMeta[peer]?.optional);
  if (subpath === '.') return required;
  if (subpath === './cls') return required;
  // peers of Nest microservices
  if (subpath === './grpc') return [...required, '@nestjs/microservices', '@grpc/proto-loader'];
  const name = subpath.slice(subpath.lastIndexOf('/') + 1);
  return peers.filter((peer) => peer === name || peer.startsWith(`@${name}/`));
}

/**
 * Expands a wildcard to the folders in its place.
 *
 * @param {string} target
 * @returns {string[]}
 */
function namesFor(target) {
  const [parent = '', rest] = target.split('*');
  if (rest === undefined) return [''];
  const found = readdirSync(join(root, parent), { withFileTypes: true });
  return found.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
