/** How long a name is polled often, from its first poll. Calls wait as long for its first instance. */
const EAGER_MS = 30_000;

/** The pause between two polls in this time. */
export const EAGER_PAUSE_MS = 1000;

/** The pace of the polls for one name. Until its first instance is found, calls may be waiting, and polls come more often. */
export class PollPace {
  readonly #eagerUntil: number;
  #isKnown = false;

  constructor(eagerMs = EAGER_MS) {
    this.#eagerUntil = performance.now() + eagerMs;
  }

  /** Records the number of instances that a poll has found. */
  record(count: number): void {
    this.#isKnown ||= count > 0;
  }

  /** @param usualMs - the pause for a name that is known */
  pauseMs(usualMs: number): number {
    const isEager = !this.#isKnown && performance.now() < this.#eagerUntil;
    return isEager ? Math.min(EAGER_PAUSE_MS, usualMs) : usualMs;
  }
}
