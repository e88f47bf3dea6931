import type { SqlDialectName } from './dialects/sql-dialect.js';

/**
 * What an SQL library must offer so that `sqlBarrier` can build a barrier on it. It only executes: no statement and
 * no decision of the barrier is in here.
 *
 * @typeParam Tx - the library's handle of an open transaction
 */
export interface SqlExecutor<Tx> {
  /** Family of the database. */
  readonly dialect: SqlDialectName;
  /** What users must pass to `join`, for the message that refuses anything else. */
  readonly transactionHint: string;
  /**
   * Runs an insert in the transaction.
   *
   * @param text - SQL with the placeholders of the dialect: `$1`, `$2`, … on PostgreSQL, `?` elsewhere
   * @param parameters - one text for each placeholder
   * @returns number of affected rows, 0 or 1, as the database counted them; anything else is refused by the barrier
   */
  execute(tx: Tx, text: string, parameters: readonly string[]): Promise<number | undefined>;
  /**
   * Runs any statement in the transaction.
   *
   * @returns its rows as objects with the columns as keys; none for a statement without rows
   */
  query(tx: Tx, text: string, parameters: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /**
   * Opens a transaction (READ COMMITTED on PostgreSQL and MySQL), runs `work`, commits; rolls back when `work` rejects.
   * Never inside another transaction, and never interleaved with another one on the same connection.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Whether `transaction` rejects when the database answers its commit with a rollback, as PostgreSQL does after errors. */
  readonly reportsRollback?: boolean;
  /**
   * Tells whether the handle is an open transaction that the database has not given up; must not throw for a foreign
   * object. Asked about the handle that `join` was given, and again after the business code.
   */
  isOpen(tx: Tx): boolean | Promise<boolean>;
}
