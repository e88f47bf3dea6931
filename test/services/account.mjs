// @ts-check
import { execFileSync } from 'node:child_process';

/**
 * Who a server runs as.
 *
 * @typedef {object} Account
 * @property {number} uid
 * @property {number} gid
 */

/**
 * The system account for a server that refuses to run as root; `undefined`, meaning "as we are", when we are not root.
 *
 * @param {string} user
 * @returns {Account | undefined}
 */
export function accountFor(user) {
  if (process.getuid?.() !== 0) return undefined;
  return { uid: idOf('-u', user), gid: idOf('-g', user) };
}

/**
 * @param {'-u' | '-g'} which
 * @param {string} user
 */
function idOf(which, user) {
  return Number(execFileSync('id', [which, user], { encoding: 'utf8' }));
}
