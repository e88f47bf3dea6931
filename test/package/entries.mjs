import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { readJson, root } from '../../tools/support/root.mjs';

/**
 * A public entry of the package.
 *
 * @typedef {object} Entry
 * @property {string} subpath Subpath as in `exports`, with expanded wildcards.
 * @property {string} types Path of the declarations, relative to the package.
 * @property {string} code Path of the code, relative to the package.
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
    return namesFor(target.default).map((name) => {
      const subpath = pattern.replace('*', name);
      return {
        subpath,
        types: posix.normalize(target.types.replace('*', name)),
        code: posix.normalize(target.default.replace('*', name)),
        peers: peersOf(subpath),
      };
    });
  });
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
