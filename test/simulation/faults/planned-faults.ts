import type { Fault, Faults } from './faults.js';

/** One fault of the exhaustive mode: the n-th time that it could happen, counted from 0. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly number: number;
}

/** Exactly the planned faults happen, and what else could have happened after the last of them is noted. */
export class PlannedFaults implements Faults {
  readonly #planned: readonly PlannedFault[];
  /** How often each kind could have happened so far. */
  readonly #chances = new Map<Fault, number>();
  /** The same at the time when the last planned one happened; undefined before. */
  #before: ReadonlyMap<Fault, number> | undefined;
  #left: number;

  constructor(planned: readonly PlannedFault[]) {
    this.#planned = planned;
    this.#left = planned.length;
    if (planned.length === 0) this.#before = new Map();
  }

  at<F extends Fault>(kinds: readonly F[]): F | undefined {
    let result: F | undefined;
    for (const kind of kinds) {
      const number = this.#chances.get(kind) ?? 0;
      this.#chances.set(kind, number + 1);
      if (this.#planned.some((planned) => planned.fault === kind && planned.number === number)) result ??= kind;
    }
    if (result && --this.#left === 0) this.#before = new Map(this.#chances);
    return result;
  }

  rateOf(): undefined {
    return undefined;
  }

  /** What could have happened after all that was planned; nothing when not all of it did. */
  get further(): readonly PlannedFault[] {
    const before = this.#before;
    if (!before) return [];
    return [...this.#chances].flatMap(([fault, count]) => {
      const first = before.get(fault) ?? 0;
      return Array.from({ length: count - first }, (_, index) => ({ fault, number: first + index }));
    });
  }
}
