/** What is asked of a PostgreSQL connection; node-postgres before 8.21 and its look-alikes lack the status. */
export interface PostgresConnection {
  /** Runs statements without parameters. */
  query(text: string): Promise<unknown>;
  /** State that the server reported last: `I` no transaction, `T` in one, `E` in one that failed; null before the first. */
  getTransactionStatus?(): string | null;
}

/**
 * Tells whether a connection is in a transaction that has not failed.
 *
 * @param connection - a node-postgres client, or something like it
 */
export async function isPostgresTransactionOpen(connection: PostgresConnection): Promise<boolean> {
  const status = connection.getTransactionStatus?.();
  if (typeof status === 'string') return status === 'T';
  try {
    // refused outside a transaction, and also in the implicit one that statements sent together run in
    await connection.query('savepoint nestjs_dtm; release savepoint nestjs_dtm');
    return true;
  } catch (error) {
    // 25P01: not in a transaction; 25P02: in one that failed
    if (['25P01', '25P02'].includes(String((error as { readonly code?: unknown }).code))) return false;
    throw error;
  }
}
