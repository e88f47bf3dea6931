import { systemAfter } from '../../../support/after.js';

/**
 * Waits without keeping the process alive. An abort ends the pause early and is not an error.
 *
 * @param signal - ends it early
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
