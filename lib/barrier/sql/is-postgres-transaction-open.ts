import { errorChain } from './error-chain.js';

/** The part of a PostgreSQL connection that tells its state. node-postgres before 8.21 lacks the status. */
export interface PostgresConnection {
  /** Runs statements without parameters. */
  query(text: string): Promise<unknown>;
  /** Last state from the server: `I` no transaction, `T` in a transaction, `E` in a failed one; null before the first. */
  getTransactionStatus?(): string | null;
}

/** 25P01: not in a transaction; 25P02: in a failed transaction. */
const NOT_OPEN = ['25P01', '25P02'];

/**
 * Tells whether a connection is in a transaction that has not failed.
 *
 * @param connection - a node-postgres client, or an object with the same interface
 */
export async function isPostgresTransactionOpen(connection: PostgresConnection): Promise<boolean> {
  const status = connection.getTransactionStatus?.();
  if (typeof status === 'string') return status === 'T';
  try {
    // an error outside a transaction, including the implicit transaction of statements that are sent together
    await connection.query('savepoint nestjs_dtm; release savepoint nestjs_dtm');
    return true;
  } catch (error) {
    for (const { code } of errorChain(error)) if (NOT_OPEN.includes(String(code))) return false;
    throw error;
  }
}
