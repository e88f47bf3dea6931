import type {
  BranchRecord,
  BranchRegistration,
  TransactionRecord,
  TransactionRequest,
} from '../../protocol/internal.js';
import type { CoordinatorSettings } from '../settings.js';
import type { Machine } from './pass.js';

/** Returns the URLs that are subscribed to a topic. */
export type TopicLookup = (topic: string) => readonly string[];

/** Rules of a transaction mode. */
export interface Mode {
  /**
   * Creates the branches of a new transaction.
   *
   * @param request - decoded request of the initiator
   * @param subscribers - looks up the subscribers of topics
   * @param settings - settings of the coordinator
   * @throws DtmArgumentError when the parts of the request do not match, or there are too many branches
   */
  branches(request: TransactionRequest, subscribers: TopicLookup, settings: CoordinatorSettings): BranchRecord[];
  /**
   * Creates the branch records for a registration.
   *
   * @param now - UTC milliseconds
   * @returns undefined when the registration belongs to another mode
   */
  register?(branch: BranchRegistration, now: number): BranchRecord[] | undefined;
  /**
   * Creates the state machine of a transaction.
   *
   * @param branchCount - number of its branch records
   * @param settings - settings of the coordinator
   */
  machine(transaction: TransactionRecord, branchCount: number, settings: CoordinatorSettings): Machine;
}
