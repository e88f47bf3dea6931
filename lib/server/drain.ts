import type { CoordinatorLogger } from '../protocol/internal.js';
import type { Clock } from './environment/clock.js';

/** Waits for what is closing, and stops waiting for all of it at one time. */
export class Drain {
  readonly #seconds: number;
  readonly #logger: CoordinatorLogger;
  readonly #giveUp = new AbortController();
  readonly #over: Promise<'over'>;
  readonly #cancel: () => void;

  /**
   * @param seconds - the longest wait altogether
   * @param logger - reports what was still running then
   */
  constructor(seconds: number, clock: Clock, logger: CoordinatorLogger) {
    this.#seconds = seconds;
    this.#logger = logger;
    this.#over = new Promise((resolve) => this.giveUp.addEventListener('abort', () => resolve('over')));
    this.#cancel = clock.after(seconds * 1000, () => this.#giveUp.abort());
  }

  /** Is aborted when the time is over. */
  get giveUp(): AbortSignal {
    return this.#giveUp.signal;
  }

  /**
   * Waits until something has closed, or the time is over.
   *
   * @param what - names it in the log
   * @throws what `closed` rejects with in time
   */
  async wait(what: string, closed: Promise<unknown>): Promise<void> {
    // what closes without waiting for anything gets the time to do so
    const over = this.#over.then(() => new Promise((resolve) => void setImmediate(resolve, 'over')));
    if ((await Promise.race([closed, over])) !== 'over') return;
    this.#logger.warn(
      `close() did not wait longer than ${this.#seconds} s for ${what}; transactions under way continue at the next start`,
    );
  }

  /** Everything has closed. */
  end(): void {
    this.#cancel();
  }
}
