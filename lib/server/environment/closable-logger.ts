import type { CoordinatorLogger } from '../../protocol/internal.js';

type Log = CoordinatorLogger['info'];

/**
 * Wraps a logger until the coordinator has closed. Work that `close()` did not wait for fails later, for example because the
 * store is closed. `close()` has reported it already, and the log of a process should end with its stop.
 */
export class ClosableLogger implements CoordinatorLogger {
  readonly info: Log;
  readonly warn: Log;
  readonly error: Log;
  #isClosed = false;

  constructor(logger: CoordinatorLogger) {
    const open =
      (level: keyof CoordinatorLogger): Log =>
      (message, fields) => {
        if (!this.#isClosed) logger[level](message, fields);
      };
    this.info = open('info');
    this.warn = open('warn');
    this.error = open('error');
  }

  /** Ignores all further lines. */
  close(): void {
    this.#isClosed = true;
  }
}
