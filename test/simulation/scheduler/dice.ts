import { seededRandom } from '../../support/random.js';

/** Every choice of a simulation comes from here, so that a seed fixes them all. */
export class Dice {
  /** From 0 to 1. */
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** True as often as the probability says. */
  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** A whole number from 0, below the given one. */
  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
