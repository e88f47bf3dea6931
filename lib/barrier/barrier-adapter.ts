import type { TransType } from '../protocol/internal.js';
import type { ConnectionLimit } from './use-connection.js';

/** Key of a barrier row. */
export interface BarrierKey {
  /** Global transaction, at most 128 characters. */
  readonly gid: string;
  /** Branch of the transaction, at most 128 characters. */
  readonly branchId: string;
  /** Operation of the row, at most 45 characters. */
  readonly op: string;
  /** Number of the barrier call in the request: `01`, `02`, … */
  readonly barrierId: string;
}

/** A row of the barrier table. */
export interface BarrierRow extends BarrierKey {
  /** Mode of the global transaction. */
  readonly transType: TransType;
  /** Operation that inserted the row. It differs from `op` when a compensation inserted the row of its action. */
  readonly reason: string;
}

/**
 * Connects the barrier to a database library: it opens transactions and inserts rows. The algorithm itself is in
 * `BranchBarrier`. For an SQL library, `sqlBarrier` of `nestjs-dtm/barrier/sql` creates the adapter.
 *
 * The barrier wraps errors of these methods in DtmBarrierError, except errors of this package.
 *
 * @typeParam Tx - handle of an open transaction in the library
 */
export interface BarrierAdapter<Tx> {
  /**
   * The connections that `transaction` takes. Repetitions of a branch then wait for each other without a connection, and a
   * call inside a call is refused when it could never get one.
   *
   * @default neither
   */
  readonly pool?: ConnectionLimit | undefined;
  /**
   * Runs `work` in a new transaction (READ COMMITTED where the database has it) and commits. When `work` rejects, rolls back
   * and rejects with the same error. Resolves only when the commit is certain.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Inserts the row unless its key exists. Waits while another transaction holds the same key uncommitted.
   *
   * @returns `true` when the row was inserted, `false` when the key exists; the barrier refuses anything else
   */
  insert(tx: Tx, row: BarrierRow): Promise<boolean>;
  /**
   * Finds the committed `reason` of a row. Waits while another transaction holds the row uncommitted.
   *
   * @returns undefined when the row does not exist
   */
  findReason(tx: Tx, key: BarrierKey): Promise<string | undefined>;
  /**
   * Throws DtmArgumentError unless `tx` is an open transaction that can run statements. `tx` is the argument of `join`, which
   * can be anything.
   */
  assertTransaction(tx: Tx): void | Promise<void>;
  /**
   * Throws when the transaction has lost `row`, for example because the database rolled back on an error that the business
   * code swallowed. Called after the business code. Not needed where the commit fails in this case.
   *
   * @param owned - whether `transaction` opened the transaction, and not the caller of `join`
   */
  verify?(tx: Tx, row: BarrierRow, owned: boolean): Promise<void>;
  /**
   * Describes an error of the adapter's own statements with cause and remedy, to follow a colon.
   *
   * @returns `undefined` when the message of the error is clear enough
   */
  describeError?(error: unknown): string | undefined;
  /** Creates schema, table and indexes unless they exist. Several processes can call it at once. */
  createTable(): Promise<void>;
}
