import { isReadOnlyError } from './is-read-only-error.js';

/** A connection with its statements for one transaction. */
export interface TransactionConnection {
  /** Begins the transaction. */
  begin(): Promise<unknown>;
  /** Ends the transaction; `false` when the database rolled back instead of committing. */
  commit(): Promise<boolean>;
  /** Ends the transaction without its changes. */
  rollback(): Promise<unknown>;
  /**
   * Gives the connection back; called once, at the end.
   *
   * @param isBroken - the connection must not be used again: its state is unknown, or its server accepts no writes
   */
  release(isBroken: boolean): void | Promise<void>;
}

/**
 * Runs work in a transaction, and releases the connection.
 *
 * @param connection - the connection, which is in no transaction
 * @param work - what to run; its error rolls the transaction back and is thrown unchanged
 * @throws what `begin` and `commit` throw; Error when the database rolled back instead of committing
 */
export async function runTransaction<T>(connection: TransactionConnection, work: () => Promise<T>): Promise<T> {
  let isBroken = true;
  try {
    await connection.begin();
    let result: T;
    try {
      result = await work();
    } catch (error) {
      // the error of the work is thrown; a connection that fails to roll back stays broken
      await connection.rollback().then(
        () => void (isBroken = isReadOnlyError(error)),
        () => undefined,
      );
      throw error;
    }
    const isCommitted = await connection.commit();
    isBroken = false;
    if (!isCommitted) {
      throw new Error('the database rolled back instead of committing: an earlier statement had failed');
    }
    return result;
  } finally {
    await connection.release(isBroken);
  }
}
