/**
 * Keeps the entries from before an outage for a grace period. A registry that holds its entries in memory loses them with a
 * restart, and has them all again only when each instance has reported.
 *
 * @typeParam Entry - what is found
 */
export class GracePeriod<Entry> {
  readonly #lengthMs: number;
  readonly #keyOf: (entry: Entry) => string;
  #known: readonly Entry[] = [];
  #isOutage = false;
  #end = 0;

  /**
   * @param lengthMs - the time within which all instances report again
   * @param keyOf - identifies an entry
   */
  constructor(lengthMs: number, keyOf: (entry: Entry) => string) {
    this.#lengthMs = lengthMs;
    this.#keyOf = keyOf;
  }

  /** Records that the registry did not answer. The grace period begins with its next answer. */
  recordOutage(): void {
    this.#isOutage = true;
  }

  /**
   * Adds the entries that are missing only because of an outage.
   *
   * @param entries - the answer of the registry
   */
  apply(entries: readonly Entry[]): readonly Entry[] {
    const now = performance.now();
    if (this.#isOutage) this.#end = now + this.#lengthMs;
    this.#isOutage = false;
    const keys = new Set(entries.map(this.#keyOf));
    const missing = now < this.#end ? this.#known.filter((entry) => !keys.has(this.#keyOf(entry))) : [];
    this.#known = [...entries, ...missing];
    return this.#known;
  }
}
