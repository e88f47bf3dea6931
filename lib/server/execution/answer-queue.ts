/** Collects answers until the pass takes them. */
export class AnswerQueue<T> {
  #answers: T[] = [];
  #wake: (() => void) | undefined;

  put(answer: T): void {
    this.#answers.push(answer);
    this.#wake?.();
  }

  /** Takes all answers; waits while there is none. */
  async take(): Promise<readonly T[]> {
    if (this.#answers.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const answers = this.#answers;
    this.#answers = [];
    return answers;
  }
}
