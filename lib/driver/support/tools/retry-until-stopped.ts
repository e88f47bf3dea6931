import { errorText } from '../../../protocol/internal.js';
import { systemAfter, type After } from '../../../support/after.js';

/** First pause. */
const FIRST_PAUSE_MS = 200;

/** Longest pause: a registry that is back is found well within the life of an entry. */
const LONGEST_PAUSE_MS = 3000;

/** Something that is done until it need not be done any more. */
export interface RetryTask {
  /**
   * Does it once. When it ends, in whatever way, it is done again after a pause, which grows until it has `worked`.
   *
   * @param signal - is aborted when it need not be done any more
   * @param worked - to be called when it does what it is for
   */
  attempt(signal: AbortSignal, worked: () => void): Promise<void>;
  /**
   * Told why an attempt ended with an error.
   *
   * @param reason - of the error
   */
  failed(reason: string): void;
}

/**
 * Does something for as long as it is wanted, however often it fails.
 *
 * @param trying - what is done
 * @param after - timers
 * @returns ends it
 */
export function retryUntilStopped({ attempt, failed }: RetryTask, after: After = systemAfter): () => void {
  const ending = new AbortController();
  let cancelPause: (() => void) | undefined;
  let failures = 0;

  const go = async (): Promise<void> => {
    let hasWorked = false;
    try {
      await attempt(ending.signal, () => (hasWorked = true));
    } catch (error) {
      if (!ending.signal.aborted) failed(errorText(error));
    }
    if (ending.signal.aborted) return;
    if (hasWorked) failures = 0;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    failures += 1;
    // not all at once when a registry comes back
    cancelPause = after(pause * (0.75 + Math.random() / 2), () => void go());
  };

  void go();
  return () => {
    ending.abort();
    cancelPause?.();
  };
}
