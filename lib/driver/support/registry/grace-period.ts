/**
 * What a registry says of a service, for those that keep instances in memory only: one that has started anew knows nobody
 * until they have all reported again. So long what was known before the outage stays.
 *
 * @typeParam Entry - what is found
 */
export class GracePeriod<Entry> {
  readonly #graceMs: number;
  readonly #keyOf: (entry: Entry) => string;
  #known: readonly Entry[] = [];
  #isOut = false;
  /** What is missing is not missed before. */
  #graceEnds = 0;

  /**
   * @param graceMs - the time in which all of them report again
   * @param keyOf - tells entries apart
   */
  constructor(graceMs: number, keyOf: (entry: Entry) => string) {
    this.#graceMs = graceMs;
    this.#keyOf = keyOf;
  }

  /** The registry could not be asked. */
  failed(): void {
    this.#isOut = true;
  }

  /**
   * The registry has answered.
   *
   * @param entries - what it knows
   * @returns what is to be believed
   */
  found(entries: readonly Entry[]): readonly Entry[] {
    const now = performance.now();
    if (this.#isOut) this.#graceEnds = now + this.#graceMs;
    this.#isOut = false;
    const keys = new Set(entries.map(this.#keyOf));
    const missing = now < this.#graceEnds ? this.#known.filter((entry) => !keys.has(this.#keyOf(entry))) : [];
    this.#known = [...entries, ...missing];
    return this.#known;
  }
}
