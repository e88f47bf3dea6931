import type { CoordinatorSettings } from 'nestjs-dtm/server';
import type { Faults } from '../faults/faults.js';
import type { Dice } from '../scheduler/dice.js';
import type { DatabaseKind } from '../environment/simulated-database.js';
import type { Plan } from './plan.js';

/** One simulated world: who is there, what they are going to do, and what goes wrong. */
export interface Scenario {
  /** Fixes everything that is left to chance. */
  readonly seed: number;
  readonly database: DatabaseKind;
  /** Coordinators on the database; an exclusive one has room for one. */
  readonly coordinators: number;
  /** What the clock of the second coordinator is ahead of the first one's from the beginning. */
  readonly skewMs: number;
  readonly settings: CoordinatorSettings;
  readonly plans: readonly Plan[];
  /** How late a timer may be for which nothing is due, see {@link Scheduler.mostLatenessMs}. */
  readonly latenessMs: number;
  /** Goes on until everything that is final is deleted. */
  readonly isPruned: boolean;
  /** Makes what goes wrong. */
  readonly faults: (dice: Dice) => Faults;
  /** For so long things go wrong; then everything is well, and everything must come to its end. */
  readonly chaosMs: number;
}

/** Banks of every world. */
export const BANKS = 3;
