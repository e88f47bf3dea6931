import type { Fault, Faults } from './faults.js';

/** One fault of the exhaustive mode: the n-th time that it could happen, counted from 0. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly number: number;
}

/** Exactly the planned faults happen. Counts how often each kind could have happened. */
export class PlannedFaults implements Faults {
  /** How often each kind could have happened so far. */
  readonly chances = new Map<Fault, number>();
  readonly #planned: readonly PlannedFault[];

  constructor(planned: readonly PlannedFault[]) {
    this.#planned = planned;
  }

  at<F extends Fault>(kinds: readonly F[]): F | undefined {
    let result: F | undefined;
    for (const kind of kinds) {
      const number = this.chances.get(kind) ?? 0;
      this.chances.set(kind, number + 1);
      if (this.#planned.some((planned) => planned.fault === kind && planned.number === number)) result ??= kind;
    }
    return result;
  }

  rateOf(): undefined {
    return undefined;
  }
}
