import type {
  BranchRecord,
  GlobalStatus,
  Outcome,
  TransactionDetails,
  TransactionRecord,
} from '../../protocol/internal.js';

/**
 * One pass over a transaction: from its start until the transaction is final, or until the coordinator has to wait. Plain
 * data; branches are identified by their index in the order of registration.
 */
export interface Pass {
  /** The transaction as it will be stored next. */
  readonly transaction: TransactionRecord;
  /** Its branches as they will be stored next. */
  readonly branches: readonly BranchRecord[];
  /** Branches with a running call. */
  readonly running: ReadonlySet<number>;
  /** Branches that this pass called without a decision, or deferred; the pass does not call them again. */
  readonly undecided: ReadonlyMap<number, Undecided>;
  /** The pass has decided a branch, so the retry interval starts anew. */
  readonly progressed: boolean;
  /** Decision of the initiator when this pass queried it. */
  readonly initiator?: Outcome | undefined;
  /** When the first deferred branch may be called, UTC milliseconds. */
  readonly deferredUntil?: number | undefined;
  /** An initiator waits for the result: attempts that are due by then, UTC milliseconds, are made in this pass. */
  readonly retryUntil?: number | undefined;
  /** The first pass of the transaction, since its creation without an interruption: no other pass has called its actions. @default false */
  readonly isFirst?: boolean | undefined;
  /** Ids of branches that have nothing to undo: their only action or try was refused before it was executed. @default none */
  readonly notExecuted?: ReadonlySet<string> | undefined;
  /** Number of pauses in this pass. @default 0 */
  readonly rounds?: number | undefined;
  /** The pass was paused: whether it still has its lease must be checked before a call. @default false */
  readonly isResumed?: boolean | undefined;
}

/** Why a branch is undecided: the branch answered "ongoing", the outcome is unknown, or the call was deferred. */
export type Undecided = 'ongoing' | 'unknown' | 'deferred';

/** Index of the initiator among those of the branches: `query_prepared` calls it. */
export const INITIATOR = -1;

/**
 * The call was deferred, because the circuit of its target is open or the retry queue is full. It does not count as an
 * attempt.
 */
export interface Deferred {
  readonly kind: 'deferred';
  /** Time of the next attempt, UTC milliseconds. */
  readonly until: number;
  /** What the target last answered, when waiting does not change it: it counts like an answer to this call. @default none */
  readonly refusal?: string | undefined;
}

/** The outcome of calling a branch. */
export interface Answer {
  /** Index of the branch, or {@link INITIATOR}. */
  readonly branch: number;
  readonly outcome: Outcome | Deferred;
}

/** Decision of a state machine: another status, or calls (none = wait for running calls, or for the next due time). */
export type Decision =
  | { readonly kind: 'change'; readonly status: GlobalStatus; readonly reason?: string | undefined }
  | { readonly kind: 'call'; readonly branches: readonly number[] };

/** The state machine of one transaction mode; pure. */
export interface Machine {
  /**
   * Decides what to do in the state of a pass.
   *
   * @param pass - state of the pass
   * @param now - UTC milliseconds
   */
  decide(pass: Pass, now: number): Decision;
  /** How the initiator is called, in modes that call it. */
  initiator?(transaction: TransactionRecord): BranchRecord;
  /** When the decision changes because of the time, UTC milliseconds; undefined when it does not. */
  deadline(transaction: TransactionRecord): number | undefined;
}

/**
 * Starts a pass.
 *
 * @param details - the transaction as stored
 * @param start - what is known about the pass
 */
export function beginPass(
  { transaction, branches }: TransactionDetails,
  { retryUntil, isFirst, notExecuted }: Pick<Pass, 'retryUntil' | 'isFirst' | 'notExecuted'> = {},
): Pass {
  return {
    transaction,
    branches,
    running: new Set(),
    undecided: new Map(),
    progressed: false,
    retryUntil,
    isFirst,
    notExecuted,
  };
}

/**
 * Begins the next round of a pass, after a pause: undecided branches may be called again.
 *
 * @param pass - state before the pause
 */
export function nextRound(pass: Pass): Pass {
  const rounds = (pass.rounds ?? 0) + 1;
  return { ...pass, undecided: new Map(), deferredUntil: undefined, progressed: false, rounds, isResumed: true };
}

/** Waits for running calls, or for the next due time. */
export const WAIT: Decision = { kind: 'call', branches: [] };

/**
 * Whether a branch can be called: undecided, without a running call, and not called before in this pass.
 *
 * @param pass - state of the pass
 * @param index - index of the branch
 */
export function isCallable(pass: Pass, index: number): boolean {
  const isOpen = index === INITIATOR ? !pass.initiator : pass.branches[index]?.status === 'prepared';
  return isOpen && !pass.running.has(index) && !pass.undecided.has(index);
}

/**
 * Calls one branch; waits when this pass has called the branch before.
 *
 * @param pass - state of the pass
 * @param index - index of the branch
 */
export function callOnce(pass: Pass, index: number): Decision {
  return isCallable(pass, index) ? { kind: 'call', branches: [index] } : WAIT;
}

/**
 * When a transaction times out.
 *
 * @param timeoutSeconds - its time-out; 0 or undefined = never
 */
export function timeoutTime(transaction: TransactionRecord, timeoutSeconds: number | undefined): number | undefined {
  return timeoutSeconds ? transaction.createTime + timeoutSeconds * 1000 : undefined;
}
