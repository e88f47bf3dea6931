import type { TransType } from '../protocol/internal.js';

/** What makes a barrier row unique. */
export interface BarrierKey {
  /** Global transaction, at most 128 characters. */
  readonly gid: string;
  /** Branch within the transaction, at most 128 characters. */
  readonly branchId: string;
  /** Operation that the row stands for, at most 45 characters. */
  readonly op: string;
  /** Number of the barrier call within one request: `01`, `02`, … */
  readonly barrierId: string;
}

/** One row of the barrier table. */
export interface BarrierRow extends BarrierKey {
  /** Mode of the global transaction. */
  readonly transType: TransType;
  /** Operation that inserted the row; differs from `op` where a compensation inserted the row of its action. */
  readonly reason: string;
}

/**
 * What the barrier needs from a database library. The algorithm is in `BranchBarrier` and nowhere else: an adapter
 * only opens transactions and inserts rows. Adapters for SQL libraries are made by `sqlBarrier` of `nestjs-dtm/barrier/sql`.
 *
 * What its methods throw reaches the user wrapped in DtmBarrierError, except errors of this package.
 *
 * @typeParam Tx - the library's handle of an open transaction
 */
export interface BarrierAdapter<Tx> {
  /**
   * Opens a transaction, READ COMMITTED where the database has that, runs `work` in it and commits; rolls back and
   * rejects with the same error when `work` rejects. Resolves only when the commit is known to have happened.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Inserts the row unless its key exists. Waits while another transaction holds the same key uncommitted.
   *
   * @returns `true` when the row was inserted, `false` when the key exists; anything else is refused by the barrier
   */
  insert(tx: Tx, row: BarrierRow): Promise<boolean>;
  /**
   * Reads the reason of a row as it is committed, waiting for a transaction that holds it uncommitted.
   *
   * @returns undefined when there is no such row
   */
  findReason(tx: Tx, key: BarrierKey): Promise<string | undefined>;
  /**
   * Throws DtmArgumentError unless `tx` is an open transaction in which statements can still run. Called with whatever
   * the user passed to `join`.
   */
  assertTransaction(tx: Tx): void | Promise<void>;
  /**
   * Throws when the transaction no longer holds `row`, e.g. because the database rolled it back on an error that the
   * business code swallowed. Called after the business code; needed only where the commit would not tell.
   *
   * @param owned - whether the transaction was opened by `transaction`, and not by the caller of `join`
   */
  verify?(tx: Tx, row: BarrierRow, owned: boolean): Promise<void>;
  /**
   * Explains an error of the adapter's own statements: a clause that names the cause and the remedy, to follow a colon.
   *
   * @returns `undefined` when there is nothing to add to the error's own message
   */
  describeError?(error: unknown): string | undefined;
  /** Creates schema, table and indexes unless they exist. Safe to run from several processes at once. */
  createTable(): Promise<void>;
}
