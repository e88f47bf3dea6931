import type { ConnectionLimit } from '../use-connection.js';
import type { SqlDialectName } from './dialects/sql-dialect.js';

/**
 * Runs the statements and transactions of a barrier with an SQL library. The statements and the decisions are in
 * `sqlBarrier`.
 *
 * @typeParam Tx - handle of an open transaction in the library
 */
export interface SqlExecutor<Tx> {
  /** Family of the database. */
  readonly dialect: SqlDialectName;
  /** Description of the value that users pass to `join`, for the error that refuses any other value. */
  readonly transactionHint: string;
  /**
   * Runs an insert in the transaction.
   *
   * @param text - SQL with the placeholders of the dialect: `$1`, `$2`, … on PostgreSQL, `?` elsewhere
   * @param parameters - one string for each placeholder
   * @returns number of affected rows as the database counts them: 0 or 1. The barrier refuses anything else
   */
  execute(tx: Tx, text: string, parameters: readonly string[]): Promise<number | undefined>;
  /**
   * Runs any statement in the transaction.
   *
   * @returns the rows as objects with the columns as keys; an empty array for a statement without rows
   */
  query(tx: Tx, text: string, parameters: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /**
   * Opens a transaction (READ COMMITTED on PostgreSQL and MySQL), runs `work`, commits; rolls back when `work` rejects.
   * It must not run inside another transaction, nor at the same time as another transaction of the same connection.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** See `BarrierAdapter.pool`. @default none */
  readonly pool?: ConnectionLimit | undefined;
  /** Whether `transaction` rejects when the database rolls back at the commit, as PostgreSQL does after errors. @default false */
  readonly reportsRollback?: boolean;
  /** Whether `isOpen` asks the server, and so notices a transaction that has failed. @default false */
  readonly noticesFailure?: boolean;
  /**
   * Tells whether a value is an open transaction that has not failed. It must not throw for any other object. Called with
   * the argument of `join`, and again after the business code.
   */
  isOpen(tx: Tx): boolean | Promise<boolean>;
}
