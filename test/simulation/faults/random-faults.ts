import type { Dice } from '../scheduler/dice.js';
import {
  CALL_FAULTS,
  MISHAPS,
  READ_FAULTS,
  REQUEST_FAULTS,
  WRITE_FAULTS,
  type Fault,
  type Faults,
  type Mishap,
} from './faults.js';

const RATES = [0.01, 0.04, 0.15] as const;

/** Faults after which a process or the time is not what it was; a system that is always down shows nothing. */
const SEVERE = /crash|clock/;

/** Most of what is done goes well, or nothing would ever come to its end. */
const MOST = 0.4;

/**
 * Everything may go wrong, but in each run only some kinds do, and each at its own rate: faults that always come together
 * hide what one of them alone would show.
 */
export class RandomFaults implements Faults {
  readonly #dice: Dice;
  readonly #rates = new Map<Fault | Mishap, number>();

  constructor(dice: Dice) {
    this.#dice = dice;
    const share = dice.pick([0, 0.2, 0.5, 0.8]);
    for (const kind of [...WRITE_FAULTS, ...READ_FAULTS, ...CALL_FAULTS, ...REQUEST_FAULTS]) {
      if (dice.chance(share)) this.#rates.set(kind, SEVERE.test(kind) ? dice.pick(RATES) / 4 : dice.pick(RATES));
    }
    const mishapShare = dice.pick([0, 0.2, 0.5]);
    for (const mishap of MISHAPS) if (dice.chance(mishapShare)) this.#rates.set(mishap, dice.random());
  }

  at<F extends Fault>(kinds: readonly F[]): F | undefined {
    let total = 0;
    for (const kind of kinds) total += this.#rates.get(kind) ?? 0;
    let dice = this.#dice.random() * Math.max(1, total / MOST);
    for (const kind of kinds) {
      dice -= this.#rates.get(kind) ?? 0;
      if (dice < 0) return kind;
    }
    return undefined;
  }

  rateOf(mishap: Mishap): number | undefined {
    return this.#rates.get(mishap);
  }
}
