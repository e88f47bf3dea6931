import { Injectable } from '@nestjs/common';
import { BranchRefusal } from './branch-refusal.js';

/** Counts the branch handlers that run, and lets no further one start once the application shuts down. */
@Injectable()
export class BranchGate {
  #running = 0;
  #closed = false;
  #drained: (() => void) | undefined;

  /**
   * Runs a handler.
   *
   * @param handler - what to run
   * @throws BranchRefusal (503) after {@link close}; what the handler throws
   */
  async run<T>(handler: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new BranchRefusal(503, 'the application is shutting down');
    this.#running += 1;
    try {
      return await handler();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#drained?.();
    }
  }

  /** Refuses further handlers. Call it once. @returns when none runs any more */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }
}
