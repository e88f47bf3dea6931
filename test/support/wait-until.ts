import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls until a condition holds. Without success, the time-out of the test ends the wait.
 *
 * @param condition - returns true to end the wait
 */
export async function waitUntil(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await sleep(50);
}
