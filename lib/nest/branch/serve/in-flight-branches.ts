import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemAfter, type After } from '../../../support/after.js';
import { shareClass } from '../../../support/share-class.js';
import { OpenAnswers } from './open-answers.js';
import { RejectedCallException } from './rejected-call.exception.js';

/** Counts the branch methods that run and the answers that are not sent, and rejects further calls once the application shuts down. */
@shareClass('InFlightBranches', Injectable)
@Injectable()
export class InFlightBranches {
  readonly #answers = new OpenAnswers(() => this.#look());
  #methods = 0;
  #draining = false;
  #drained: (() => void) | undefined;

  /** @throws RejectedCallException (503) after {@link drain} */
  assertAccepting(): void {
    if (this.#draining) throw new RejectedCallException(503, 'the application is shutting down');
  }

  /** Adds an answer over HTTP, until it is sent or its connection is closed. */
  addAnswer(request: IncomingMessage, response: ServerResponse): void {
    this.#answers.add(request, response);
  }

  /**
   * Adds a running method; call {@link end} when the method has ended.
   *
   * @throws RejectedCallException (503) after {@link drain}
   */
  begin(): void {
    this.assertAccepting();
    this.#methods += 1;
  }

  /** Removes a method that has ended. */
  end(): void {
    this.#methods -= 1;
    this.#look();
  }

  /**
   * Rejects further calls, and waits for the methods that run and for the answers. Call it once.
   *
   * @param timeoutMs - longest wait
   * @param after - timers of the machine, or those of a test
   * @returns what is still running at the end of the wait
   */
  async drain(timeoutMs: number, after: After = systemAfter): Promise<{ methods: number; answers: number }> {
    this.#draining = true;
    await new Promise<void>((resolve) => {
      const cancel = after(timeoutMs, resolve);
      this.#drained = () => {
        cancel();
        resolve();
      };
      this.#look();
    });
    return { methods: this.#methods, answers: this.#answers.count };
  }

  #look(): void {
    if (this.#methods === 0 && this.#answers.count === 0) this.#drained?.();
  }
}
