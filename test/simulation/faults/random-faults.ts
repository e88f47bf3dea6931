import type { RandomSource } from '../scheduler/random-source.js';
import {
  CALL_FAULTS,
  TIMED_FAULTS,
  READ_FAULTS,
  REQUEST_FAULTS,
  WRITE_FAULTS,
  type Fault,
  type Faults,
  type TimedFault,
} from './faults.js';

const RATES = [0.01, 0.04, 0.15] as const;

/** Rarer faults: those that end a process or set a clock. A system that is always down tests nothing. */
const SEVERE = /crash|clock/;

/** Largest share of operations that fail, so that transactions make progress. */
const MAX_SHARE = 0.4;

/**
 * Injects some kinds of faults in each run, each at its own rate: faults that always come together would hide what one
 * of them alone reveals.
 */
export class RandomFaults implements Faults {
  readonly #random: RandomSource;
  readonly #rates = new Map<Fault | TimedFault, number>();

  constructor(random: RandomSource) {
    this.#random = random;
    const share = random.pick([0, 0.2, 0.5, 0.8]);
    for (const kind of [...WRITE_FAULTS, ...READ_FAULTS, ...CALL_FAULTS, ...REQUEST_FAULTS]) {
      if (random.chance(share)) this.#rates.set(kind, SEVERE.test(kind) ? random.pick(RATES) / 4 : random.pick(RATES));
    }
    const timedShare = random.pick([0, 0.2, 0.5]);
    for (const fault of TIMED_FAULTS) if (random.chance(timedShare)) this.#rates.set(fault, random.next());
  }

  at<F extends Fault>(kinds: readonly F[]): F | undefined {
    let total = 0;
    for (const kind of kinds) total += this.#rates.get(kind) ?? 0;
    let rest = this.#random.next() * Math.max(1, total / MAX_SHARE);
    for (const kind of kinds) {
      rest -= this.#rates.get(kind) ?? 0;
      if (rest < 0) return kind;
    }
    return undefined;
  }

  rateOf(fault: TimedFault): number | undefined {
    return this.#rates.get(fault);
  }
}
