import type { CoordinatorSettings } from 'nestjs-dtm/server';
import type { Faults } from '../faults/faults.js';
import type { RandomSource } from '../scheduler/random-source.js';
import type { DatabaseKind } from '../environment/simulated-database.js';
import type { Plan } from './plan.js';

/** A simulated system: its processes, its transactions and its faults. */
export interface Scenario {
  /** Determines every random choice of the run. */
  readonly seed: number;
  readonly database: DatabaseKind;
  /** Number of coordinators; an exclusive database allows one. */
  readonly coordinators: number;
  /** Initial clock skew of the second coordinator to the first. */
  readonly skewMs: number;
  readonly settings: CoordinatorSettings;
  readonly plans: readonly Plan[];
  /** Largest lateness of an idle timer, see {@link Scheduler.maxLatenessMs}. */
  readonly latenessMs: number;
  /** Continues until every final transaction is deleted. */
  readonly isPruned: boolean;
  /** Creates the source of faults. */
  readonly faults: (random: RandomSource) => Faults;
  /** Length of the fault period; afterwards every transaction must finish. */
  readonly faultPeriodMs: number;
}

/** Number of banks in each scenario. */
export const BANKS = 3;
