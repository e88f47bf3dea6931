import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { readJson, root } from '../../tools/support/root.mjs';

/**
 * A public entry of the package.
 *
 * @typedef {object} Entry
 * @property {string} subpath As in `exports`, with wildcards filled in.
 * @property {string} types Path of its declarations, relative to the package.
 * @property {string} code Path of its code, relative to the package.
 * @property {readonly string[]} peers Packages that its users have: for the root entry the peers that everybody needs,
 *   for a subpath the optional one that it is named after.
 */

const { exports, peerDependencies, peerDependenciesMeta } = readJson(join(root, 'package.json'));

/**
 * Every entry that `exports` in package.json opens to users.
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
  // part of Nest, in an application that has microservices
  if (subpath === './grpc') return [...required, '@nestjs/microservices', '@grpc/proto-loader'];
  const name = subpath.slice(subpath.lastIndexOf('/') + 1);
  return peers.filter((peer) => peer === name || peer.startsWith(`@${name}/`));
}

/**
 * What a wildcard stands for: each folder in its place.
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
