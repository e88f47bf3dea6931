import type { Fault, Faults } from './faults.js';

/** A fault of the exhaustive mode, injected at its n-th opportunity, counted from 0. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly number: number;
}

/** Injects exactly the planned faults, and lists the faults that were possible after the last of them. */
export class PlannedFaults implements Faults {
  readonly #planned: readonly PlannedFault[];
  /** Opportunities of each kind so far. */
  readonly #opportunities = new Map<Fault, number>();
  /** Opportunities at the time of the last planned fault; undefined before it. */
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
      const number = this.#opportunities.get(kind) ?? 0;
      this.#opportunities.set(kind, number + 1);
      if (this.#planned.some((planned) => planned.fault === kind && planned.number === number)) result ??= kind;
    }
    if (result && --this.#left === 0) this.#before = new Map(this.#opportunities);
    return result;
  }

  rateOf(): undefined {
    return undefined;
  }

  /** Faults that were possible after the last planned one; empty when not all planned faults occurred. */
  get further(): readonly PlannedFault[] {
    const before = this.#before;
    if (!before) return [];
    return [...this.#opportunities].flatMap(([fault, count]) => {
      const first = before.get(fault) ?? 0;
      return Array.from({ length: count - first }, (_, index) => ({ fault, number: first + index }));
    });
  }
}
