interface Target {
  running: number;
  readonly waiting: (() => void)[];
}

/** Lets only so many work on the same target at a time; the others wait, first come first served. */
export class Turns {
  readonly #limit: number;
  readonly #onChange: () => void;
  readonly #targets = new Map<string, Target>();
  #waiting = 0;

  /**
   * Makes turns.
   *
   * @param limit - most at a time for one target
   * @param onChange - called when somebody begins to wait
   */
  constructor(limit: number, onChange: () => void) {
    this.#limit = limit;
    this.#onChange = onChange;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Waits for a turn; {@link give} must follow.
   *
   * @param name - the target
   */
  async take(name: string): Promise<void> {
    const target = this.#targets.get(name) ?? { running: 0, waiting: [] };
    this.#targets.set(name, target);
    if (target.running < this.#limit) {
      target.running++;
      return;
    }
    this.#waiting++;
    const turn = new Promise<void>((resolve) => target.waiting.push(resolve));
    this.#onChange();
    await turn;
    this.#waiting--;
  }

  /**
   * Ends a turn; who waits longest has the next one.
   *
   * @param name - the target
   */
  give(name: string): void {
    const target = this.#targets.get(name);
    if (!target) return;
    const next = target.waiting.shift();
    if (next) return next();
    target.running--;
    if (target.running === 0) this.#targets.delete(name);
  }
}
