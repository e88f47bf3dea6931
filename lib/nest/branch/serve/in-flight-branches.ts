import { Injectable } from '@nestjs/common';
import { RejectedCallException } from './rejected-call.exception.js';

/** Counts the branch methods that run, and lets no further one start once the application shuts down. */
@Injectable()
export class InFlightBranches {
  #running = 0;
  #closed = false;
  #drained: (() => void) | undefined;

  /** @throws RejectedCallException (503) after {@link close} */
  check(): void {
    if (this.#closed) throw new RejectedCallException(503, 'the application is shutting down');
  }

  /**
   * Counts a method in. Call {@link leave} when it has ended.
   *
   * @throws RejectedCallException (503) after {@link close}
   */
  enter(): void {
    this.check();
    this.#running += 1;
  }

  /** Counts a method out. */
  leave(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#drained?.();
  }

  /** Refuses further methods. Call it once. @returns when none runs any more */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }
}
