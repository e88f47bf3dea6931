import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls until a condition holds; the test's own timeout ends a wait in vain.
 *
 * @param condition - true when the wait is over
 */
export async function waitUntil(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await sleep(50);
}
