import { errorText } from '../../../protocol/internal.js';
import { systemAfter, type After } from '../../../support/after.js';

/** The first back-off. */
const FIRST_BACK_OFF_MS = 200;

/** The longest back-off: a registry that is back must be found well before registrations expire. */
const LONGEST_BACK_OFF_MS = 3000;

/** The work to retry. */
export interface RetryTask {
  /**
   * Runs once. After its end, with or without an error, it runs again after a back-off, which doubles until `succeeded` is
   * called.
   *
   * @param signal - is aborted when the task is stopped
   * @param succeeded - resets the back-off; to be called as soon as the attempt has reached its goal
   */
  attempt(signal: AbortSignal, succeeded: () => void): Promise<void>;
  /**
   * Receives the text of the error that ended an attempt.
   *
   * @param reason - the text
   */
  failed(reason: string): void;
}

/**
 * Runs a task again and again, with exponential back-off and jitter.
 *
 * @param task - what is retried
 * @param after - timers
 * @returns stops the task
 */
export function retryUntilStopped({ attempt, failed }: RetryTask, after: After = systemAfter): () => void {
  const stopping = new AbortController();
  let cancelBackOff: (() => void) | undefined;
  let failures = 0;

  const run = async (): Promise<void> => {
    let hasSucceeded = false;
    try {
      await attempt(stopping.signal, () => (hasSucceeded = true));
    } catch (error) {
      if (!stopping.signal.aborted) failed(errorText(error));
    }
    if (stopping.signal.aborted) return;
    if (hasSucceeded) failures = 0;
    const backOff = Math.min(FIRST_BACK_OFF_MS * 2 ** failures, LONGEST_BACK_OFF_MS);
    failures += 1;
    // jitter: clients must not return to a registry all at once
    cancelBackOff = after(backOff * (0.75 + Math.random() / 2), () => void run());
  };

  void run();
  return () => {
    stopping.abort();
    cancelBackOff?.();
  };
}
