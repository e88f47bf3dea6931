import { nextTurn } from '../../support/next-turn.js';

/** Collects answers until the pass takes them. */
export class AnswerQueue<T> {
  #answers: T[] = [];
  #wake: (() => void) | undefined;

  put(answer: T): void {
    this.#answers.push(answer);
    this.#wake?.();
  }

  /**
   * Takes all answers; waits while there is none.
   *
   * @param gathers - first lets the answers arrive that are on their way
   */
  async take(gathers: boolean): Promise<readonly T[]> {
    if (this.#answers.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (gathers) await nextTurn();
    const answers = this.#answers;
    this.#answers = [];
    return answers;
  }
}
