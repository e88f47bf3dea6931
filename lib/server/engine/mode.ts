import type {
  BranchRecord,
  BranchRegistration,
  TransactionRecord,
  TransactionRequest,
} from '../../protocol/internal.js';
import type { CoordinatorSettings } from '../settings.js';
import type { Machine } from './pass.js';

/** URLs that are subscribed to a topic. */
export type TopicLookup = (topic: string) => readonly string[];

/** What the engine needs to know of a transaction mode. */
export interface Mode {
  /**
   * The rows that a new transaction begins with.
   *
   * @param request - what the initiator sent
   * @param subscribers - of topics
   * @throws DtmArgumentError when its parts do not fit together
   */
  branches(request: TransactionRequest, subscribers: TopicLookup): BranchRecord[];
  /**
   * The rows of a branch that is registered later.
   *
   * @param branch - what was registered
   * @param now - UTC milliseconds
   * @returns undefined when the registration is one of another mode
   */
  register?(branch: BranchRegistration, now: number): BranchRecord[] | undefined;
  /**
   * The state machine of one transaction.
   *
   * @param transaction - the transaction
   * @param branchCount - number of its rows
   * @param settings - of the coordinator
   */
  machine(transaction: TransactionRecord, branchCount: number, settings: CoordinatorSettings): Machine;
}
