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

/** The stored state that {@link Store.update} requires. */
export interface ExpectedState {
  /** Status before the update. */
  readonly status: GlobalStatus;
  /** Holder of the lease. @default any */
  readonly owner?: string | undefined;
}

/**
 * Where the coordinator stores its transactions. Every write is atomic, and **durable when its promise resolves**; a
 * rejected write leaves nothing behind, unless the error is a `DtmStoreError` with `isOutcomeUnknown`. A transaction is
 * due when it is not final and its `nextCronTime` has come.
 */
export interface Store {
  /** Name for logs and errors, e.g. `sqlite ./dtm.db`. */
  readonly name: string;
  /**
   * Whether other processes may open the store at the same time. @default false
   */
  readonly isShared?: boolean | undefined;
  /** Opens the store; throws DtmStoreError when it cannot be used. */
  open(): Promise<void>;
  /**
   * What is dangerous about the place where the open store keeps the transactions. The coordinator logs it at start.
   *
   * @default nothing
   */
  findRisks?(): readonly string[];
  /** Waits for running writes, then closes the store. */
  close(): Promise<void>;
  /**
   * Writes something that changes nothing; throws DtmStoreError when the store cannot write. `/api/ping` and the gRPC health
   * service report the result.
   *
   * @default the store is assumed to be able to write
   */
  assertWritable?(): Promise<void>;
  /**
   * Adds a transaction with its branches.
   *
   * @returns false when the gid exists; nothing is changed then
   */
  create(details: TransactionDetails): Promise<boolean>;
  /** Reads a transaction with its branches in the order of registration; undefined when the gid is unknown. */
  find(gid: string): Promise<TransactionDetails | undefined>;
  /** Reads a transaction without its branches; undefined when the gid is unknown. */
  findRecord(gid: string): Promise<TransactionRecord | undefined>;
  /**
   * Appends branches to a transaction that is `prepared`, all or none. Does not read the payloads of its other branches.
   *
   * @param limits - for all branches of the transaction. @default none
   */
  addBranches(
    gid: string,
    transType: TransType,
    branches: readonly BranchRecord[],
    limits?: BranchLimits,
  ): Promise<AddBranchesResult>;
  /**
   * Replaces the record of a transaction and some of its branches.
   *
   * @param expected - compared with the stored state
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
   * Takes the leases of due transactions, the longest due first: sets `owner`, and `nextCronTime` to the end of the lease.
   *
   * @param now - UTC milliseconds
   * @param owner - new holder of the leases
   * @param lease - end of the lease for a transaction, UTC milliseconds
   * @param limit - maximum number of transactions
   * @param maxBytes - claims no more after the transaction whose texts reach this; bounds the memory. @default no limit
   * @param application - name of the application around the coordinator. A store that is shared leaves transactions with a
   *   branch of another application to that application: docs/in-process.md. @default none
   */
  claim(
    now: number,
    owner: string,
    lease: (transaction: TransactionRecord) => number,
    limit: number,
    maxBytes?: number,
    application?: string,
  ): Promise<TransactionDetails[]>;
  /** Pages through transactions, newest first. A page ends before its limit when it has some megabytes of texts. */
  list(filter: TransactionFilter): Promise<TransactionPage>;
  /**
   * Counts unfinished transactions without reading their texts.
   *
   * @param limit - maximum number of transactions to count
   */
  countUnfinished(limit: number): Promise<UnfinishedCounts>;
  /**
   * Makes unfinished transactions due that wait. Their owners stay: a process that is alive renews its lease, or loses it when
   * another one claims the transaction. Goes through the transactions in the order of their creation, so that calls that
   * continue at {@link WakeBatch.nextPosition} meet each transaction once, also one that waits again meanwhile.
   *
   * @param now - their new `nextCronTime`, UTC milliseconds
   * @param filter - which transactions
   */
  wake(now: number, filter: WakeFilter): Promise<WakeBatch>;
  /**
   * Deletes finished transactions in small batches, so that other operations do not wait for long.
   *
   * @param before - deletes transactions whose `updateTime` is earlier, UTC milliseconds
   * @param position - {@link PruneResult.nextPosition} of the last call; `''` = begin with the oldest
   * @param limit - maximum number of transactions to look at
   */
  prune(before: number, position: string, limit: number): Promise<PruneResult>;
  /** Reads a key-value record; undefined when it does not exist. */
  getKv(category: string, key: string): Promise<KvRecord | undefined>;
  /**
   * Writes a key-value record.
   *
   * @param record - its version must be one more than the stored version, 1 when there is none
   * @returns false when the version does not match; nothing is changed then
   */
  putKv(record: KvRecord): Promise<boolean>;
  /** Deletes a key-value record. @returns false when it does not exist */
  deleteKv(category: string, key: string): Promise<boolean>;
  /** Pages through the key-value records of one category or all, oldest first. A page ends as that of {@link Store.list}. */
  listKv(filter: KvFilter): Promise<KvPage>;
}

/**
 * Result of {@link Store.addBranches}: `refused` when no transaction of that mode is `prepared`, `duplicate` when a
 * (branch id, op) exists, `tooMany` or `tooLarge` when the transaction would exceed a limit.
 */
export type AddBranchesResult = 'added' | 'refused' | 'duplicate' | 'tooMany' | 'tooLarge';

/** Limits of {@link Store.addBranches}. */
export interface BranchLimits {
  /** Maximum number of branch records. */
  readonly maxBranches: number;
  /** Maximum number of bytes of their payloads, approximately. */
  readonly maxBytes: number;
}

/** Result of {@link Store.countUnfinished}. */
export interface UnfinishedCounts {
  /** Transactions that wait for their initiators. */
  readonly prepared: number;
  /** Transactions that are being executed. */
  readonly submitted: number;
  /** Transactions that are being rolled back. */
  readonly aborting: number;
  /** Those of them that need attention. */
  readonly attention: number;
}

/** Result of {@link Store.prune}. */
export interface PruneResult {
  /** Deleted transactions. */
  readonly count: number;
  /** `position` of the next call; `''` when every transaction created before that time has been looked at. */
  readonly nextPosition: string;
}

/** Result of {@link Store.wake}. */
export interface WakeBatch {
  /** Transactions that were made due. */
  readonly count: number;
  /** `position` of the next call; `''` when every transaction has been looked at. */
  readonly nextPosition: string;
}

/** Which transactions {@link Store.wake} makes due. */
export interface WakeFilter {
  /** Only this transaction. @default all */
  readonly gid?: string | undefined;
  /** Only transactions with an undecided branch, or an initiator to ask, whose URL begins with this. @default all */
  readonly target?: string | undefined;
  /** Only transactions whose `nextCronTime` is later, UTC milliseconds. */
  readonly laterThan: number;
  /** Which transactions with an owner. @default none */
  readonly leases?: LeaseFilter | undefined;
  /** {@link WakeBatch.nextPosition} of the last call. @default '' begin with the oldest transaction */
  readonly position?: string | undefined;
  /** Maximum number of transactions. */
  readonly limit: number;
}

/** Leases that {@link Store.wake} ends before their time. */
export interface LeaseFilter {
  /** Only leases that end later, UTC milliseconds. */
  readonly endingAfter: number;
  /** Keeps the leases of owners that begin with this. @default ends those of every owner */
  readonly exceptOwner?: string | undefined;
}

/** Which records {@link Store.listKv} lists. */
export interface KvFilter {
  /** Only this category. @default all */
  readonly category?: string | undefined;
  /** Only this key. @default all */
  readonly key?: string | undefined;
  /** `nextPosition` of the page before. @default '' the first page */
  readonly position?: string | undefined;
  /** Maximum number of records on a page. @default 100 */
  readonly limit?: number | undefined;
}
