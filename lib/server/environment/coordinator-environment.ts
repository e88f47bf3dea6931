import type { Transport } from '../../transport/index.js';
import type { Clock } from './clock.js';
import type { CoordinatorLogger } from './coordinator-logger.js';
import type { CoordinatorSettings } from '../settings.js';
import type { Store } from '../store/store.js';

/** Everything outside that the coordinator works with; tests replace any of it. */
export interface CoordinatorEnvironment {
  /** Where transactions are kept. */
  readonly store: Store;
  /** Calls branches. */
  readonly transport: Transport;
  /** Time. */
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Reports. */
  readonly logger: CoordinatorLogger;
  /** Pace. */
  readonly settings: CoordinatorSettings;
  /** Names this process; the names of holders of leases begin with it. */
  readonly owner: string;
}
