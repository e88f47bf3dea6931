import { systemAfter, type After } from './after.js';

/**
 * Waits for something that may never end.
 *
 * @param ms - longest wait
 * @param after - timers of the machine, or those of a test
 * @returns whether it has ended
 * @throws what `work` rejects with in time
 */
export function endsWithin(ms: number, work: Promise<unknown>, after: After = systemAfter): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => resolve(false));
    work.then(() => resolve(true), reject).finally(cancel);
  });
}
