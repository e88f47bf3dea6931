import { DtmConfigError } from '../../protocol/internal.js';
import { describeValue } from '../../support/describe-value.js';

/** Longer than dtm waits for an answer by default (3 s), and shorter than Kubernetes waits for a process to end (30 s). */
const DEFAULT_SHUTDOWN_TIMEOUT_SECONDS = 20;

/**
 * Checks the option `shutdownTimeoutSeconds`.
 *
 * @param owner - whose option it is, for the message
 * @throws DtmConfigError
 */
export function parseShutdownTimeout(owner: string, seconds: unknown): number {
  if (seconds === undefined) return DEFAULT_SHUTDOWN_TIMEOUT_SECONDS;
  if (typeof seconds === 'number' && seconds >= 0) return seconds;
  throw new DtmConfigError(
    `${owner}: shutdownTimeoutSeconds is ${describeValue(seconds)}; give a number of seconds, 0 or more`,
  );
}
