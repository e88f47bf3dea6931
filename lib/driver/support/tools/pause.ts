import { systemAfter } from '../../../support/after.js';

/**
 * Waits without keeping the process alive.
 *
 * @param ms - how long
 * @param signal - ends it early; it is not an error
 */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = systemAfter(ms, end);
    signal.addEventListener('abort', end);
  });
}
