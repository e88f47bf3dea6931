import type {
  BranchRecord,
  GlobalStatus,
  Outcome,
  TransactionDetails,
  TransactionRecord,
} from '../../protocol/internal.js';

/**
 * One pass over a transaction: from picking it up until it is final, or until nothing more can be done without waiting.
 * Plain data; branches are named by their index in the order of registration.
 */
export interface Pass {
  /** The transaction as it will be stored next. */
  readonly transaction: TransactionRecord;
  /** Its branches as they will be stored next. */
  readonly branches: readonly BranchRecord[];
  /** Called, not answered yet. */
  readonly running: ReadonlySet<number>;
  /** Answered in this pass without a decision, or held back; not called again in it. */
  readonly undecided: ReadonlyMap<number, Undecided>;
  /** A branch was decided in this pass, so that the retry interval starts anew. */
  readonly progressed: boolean;
  /** What the initiator decided when it was asked in this pass. */
  readonly initiator?: Outcome | undefined;
  /** When the first of those that were held back may be called, UTC milliseconds. */
  readonly deferredUntil?: number | undefined;
}

/** Why a branch is not decided: it said so, nothing is known, or it was not even called. */
export type Undecided = 'ongoing' | 'unknown' | 'deferred';

/** Index of the initiator among those of the branches: `query_prepared` calls it. */
export const INITIATOR = -1;

/**
 * The call was held back, for its target does not answer at present, or is called by too many already: nothing is known,
 * and nothing is counted.
 */
export interface Deferred {
  readonly kind: 'deferred';
  /** When it may be worth trying, UTC milliseconds. */
  readonly until: number;
}

/** What came of calling a branch. */
export interface Answer {
  /** Index of the branch. */
  readonly branch: number;
  /** Its outcome. */
  readonly outcome: Outcome | Deferred;
}

/** What a machine wants next: another status, or calls (none = wait for running ones, or for time to pass). */
export type Decision =
  | { readonly kind: 'change'; readonly status: GlobalStatus; readonly reason?: string | undefined }
  | { readonly kind: 'call'; readonly branches: readonly number[] };

/** The state machine of one transaction mode; pure. */
export interface Machine {
  /**
   * Decides what follows from the state of a pass.
   *
   * @param pass - present state
   * @param now - UTC milliseconds
   */
  decide(pass: Pass, now: number): Decision;
  /**
   * How the initiator is asked, where the mode asks it.
   *
   * @param transaction - the transaction
   */
  initiator?(transaction: TransactionRecord): BranchRecord;
  /** Time in UTC milliseconds at which the decision changes by itself; undefined when it does not. */
  deadline(transaction: TransactionRecord): number | undefined;
}

/**
 * Starts a pass.
 *
 * @param details - the transaction as stored
 */
export function beginPass(details: TransactionDetails): Pass {
  return { ...details, running: new Set(), undecided: new Map(), progressed: false };
}

/** No calls: wait. */
export const WAIT: Decision = { kind: 'call', branches: [] };

/**
 * Whether a branch can be called: not decided, not under way, and not asked before in this pass.
 *
 * @param pass - present state
 * @param index - index of the branch
 */
export function isCallable(pass: Pass, index: number): boolean {
  const isOpen = index === INITIATOR ? !pass.initiator : pass.branches[index]?.status === 'prepared';
  return isOpen && !pass.running.has(index) && !pass.undecided.has(index);
}

/**
 * Calls one branch; waits when it was called before in this pass.
 *
 * @param pass - present state
 * @param index - index of the branch
 */
export function callOnce(pass: Pass, index: number): Decision {
  return isCallable(pass, index) ? { kind: 'call', branches: [index] } : WAIT;
}

/**
 * When a transaction times out.
 *
 * @param transaction - the transaction
 * @param timeoutSeconds - its timeout; 0 or undefined = never
 */
export function timeoutTime(transaction: TransactionRecord, timeoutSeconds: number | undefined): number | undefined {
  return timeoutSeconds ? transaction.createTime + timeoutSeconds * 1000 : undefined;
}
