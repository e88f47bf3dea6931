import type {
  BranchRecord,
  GlobalStatus,
  KvPage,
  KvRecord,
  TransactionDetails,
  TransactionFilter,
  TransactionPage,
  TransactionRecord,
  TransType,
} from '../../protocol/internal.js';

/** What must still be so for an {@link Store.update} to happen. */
export interface ExpectedState {
  /** Stored status. */
  readonly status: GlobalStatus;
  /** Process that holds the lease; not looked at when absent. @default any */
  readonly owner?: string | undefined;
}

/**
 * The port to where the coordinator keeps its transactions. Every write is atomic, and **durable when its promise
 * resolves**; a rejected write left nothing behind. A transaction is due when it is not final and its `nextCronTime` has come.
 */
export interface Store {
  /** Names the store for people, e.g. `sqlite ./dtm.db`. */
  readonly name: string;
  /** Acquires it; throws DtmStoreError when it cannot be used. */
  open(): Promise<void>;
  /** Waits for writes under way, then releases it. */
  close(): Promise<void>;
  /**
   * Adds a transaction with its branches.
   *
   * @returns false when the gid exists; nothing is changed then
   */
  create(details: TransactionDetails): Promise<boolean>;
  /** A transaction with its branches in the order of registration; undefined when the gid is unknown. */
  find(gid: string): Promise<TransactionDetails | undefined>;
  /**
   * Appends branches to a transaction that is `prepared`, all or none.
   *
   * @returns `refused` when there is no such transaction of that mode in that state, `duplicate` when a (branch id, op) exists
   */
  addBranches(
    gid: string,
    transType: TransType,
    branches: readonly BranchRecord[],
  ): Promise<'added' | 'refused' | 'duplicate'>;
  /**
   * Replaces a transaction's record and some of its branches.
   *
   * @param expected - compared with what is stored
   * @param transaction - the new record
   * @param branches - new records by index in the order of registration
   * @returns false when the comparison failed; nothing is changed then
   */
  update(
    expected: ExpectedState,
    transaction: TransactionRecord,
    branches: ReadonlyMap<number, BranchRecord>,
  ): Promise<boolean>;
  /**
   * Takes over due transactions, the longest due first: sets their owner, and `nextCronTime` to the end of the lease.
   *
   * @param now - UTC milliseconds
   * @param owner - who takes over
   * @param lease - end of the lease for a transaction
   * @param limit - most transactions
   */
  claim(
    now: number,
    owner: string,
    lease: (transaction: TransactionRecord) => number,
    limit: number,
  ): Promise<TransactionDetails[]>;
  /** Pages through transactions, newest first. */
  list(filter: TransactionFilter): Promise<TransactionPage>;
  /**
   * Makes unfinished transactions due that wait, without anybody working on them.
   *
   * @param now - UTC milliseconds, their new `nextCronTime`
   * @param filter - which of them
   * @returns how many were made due
   */
  wake(now: number, filter: WakeFilter): Promise<number>;
  /**
   * Deletes finished transactions, some at a time so that nobody waits for long.
   *
   * @param before - those whose `updateTime` is before this, UTC milliseconds
   * @param position - where to go on, {@link PruneResult.nextPosition} of the last call; '' = from the oldest
   * @param limit - most transactions to look at
   */
  prune(before: number, position: string, limit: number): Promise<PruneResult>;
  /** A kept value; undefined when there is none. */
  getKv(category: string, key: string): Promise<KvRecord | undefined>;
  /**
   * Keeps a value.
   *
   * @param record - its version must be one more than the stored one's, 1 when there is none
   * @returns false when it is not; nothing is changed then
   */
  putKv(record: KvRecord): Promise<boolean>;
  /** Forgets a value. @returns false when there is none */
  deleteKv(category: string, key: string): Promise<boolean>;
  /** Pages through kept values, of one category or all, oldest first. */
  listKv(filter: KvFilter): Promise<KvPage>;
}

/** What {@link Store.prune} did. */
export interface PruneResult {
  /** Transactions that were deleted. */
  readonly count: number;
  /** Give this as `position` to go on; '' when everything created before that time has been looked at. */
  readonly nextPosition: string;
}

/** Which transactions {@link Store.wake} makes due. */
export interface WakeFilter {
  /** Only this one. @default all */
  readonly gid?: string | undefined;
  /** Only those with an undecided branch, or an initiator to ask, whose URL begins with this. @default all */
  readonly target?: string | undefined;
  /** Only those whose `nextCronTime` is after this, UTC milliseconds. */
  readonly laterThan: number;
  /** Most transactions. */
  readonly limit: number;
}

/** Which values {@link Store.listKv} lists. */
export interface KvFilter {
  /** Only of this category. @default all */
  readonly category?: string | undefined;
  /** Only this key. @default all */
  readonly key?: string | undefined;
  /** `nextPosition` of the page before. @default '' the first page */
  readonly position?: string | undefined;
  /** Most values on a page. @default 100 */
  readonly limit?: number | undefined;
}

/** Transactions on a page unless the caller says otherwise. */
export const DEFAULT_PAGE_SIZE = 100;
