// @ts-check
import { execFileSync } from 'node:child_process';

/**
 * System account of a server.
 *
 * @typedef {object} Account
 * @property {number} uid
 * @property {number} gid
 */

/**
 * Finds the system account for a server that refuses to run as root. `undefined` = the current account, which is not root.
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
