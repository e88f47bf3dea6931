import { Injectable } from '@nestjs/common';
import { RejectedCallException } from './rejected-call.exception.js';

/** Counts the branch methods that run, and rejects further calls once the application shuts down. */
@Injectable()
export class InFlightBranches {
  #count = 0;
  #draining = false;
  #drained: (() => void) | undefined;

  /** @throws RejectedCallException (503) after {@link drain} */
  assertAccepting(): void {
    if (this.#draining) throw new RejectedCallException(503, 'the application is shutting down');
  }

  /**
   * Adds a running method; call {@link end} when the method has ended.
   *
   * @throws RejectedCallException (503) after {@link drain}
   */
  begin(): void {
    this.assertAccepting();
    this.#count += 1;
  }

  /** Removes a method that has ended. */
  end(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#drained?.();
  }

  /** Rejects further calls and waits for the methods that run. Call it once. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }
}
