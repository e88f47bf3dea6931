import type { ApplicationBranches, CoordinatorLogger } from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';
import type { CoordinatorSettings } from '../settings.js';
import type { Store } from '../store/store.js';
import type { Clock } from './clock.js';

/** Dependencies of the coordinator. Tests can replace each of them. */
export interface CoordinatorEnvironment {
  readonly store: Store;
  /** Calls branches. */
  readonly transport: Transport;
  readonly clock: Clock;
  /** Random number from 0 to 1. */
  readonly random: () => number;
  readonly logger: CoordinatorLogger;
  readonly settings: CoordinatorSettings;
  /** Unique name of this process; prefix of its lease owners. */
  readonly owner: string;
  /** The application around the coordinator. @default none */
  readonly application?: Pick<ApplicationBranches, 'name'> | undefined;
}
