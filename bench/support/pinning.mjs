import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * What a process does in a benchmark.
 *
 * @typedef {'measured' | 'load'} Role
 */

/** @type {Record<Role, string>} */
const cores = { measured: '0', load: '1' };

/** Whether what is measured has a core of its own. */
export const isPinned = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;

/**
 * What to put in front of a command so that it runs on the core of its role; nothing where that cannot be done.
 *
 * @param {Role} role
 * @returns {string[]}
 */
export function pinning(role) {
  return isPinned ? ['taskset', '-c', cores[role]] : [];
}
