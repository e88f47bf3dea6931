import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * Role of a process in a benchmark.
 *
 * @typedef {'measured' | 'load'} Role
 */

/** @type {Record<Role, string>} */
const cores = { measured: '0', load: '1' };

/** Whether the measured program has its own core. */
export const isPinned = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;

/**
 * Command prefix that pins a process to the core of its role; empty without `taskset` or a second core.
 *
 * @param {Role} role
 * @returns {string[]}
 */
export function pinning(role) {
  return isPinned ? ['taskset', '-c', cores[role]] : [];
}
