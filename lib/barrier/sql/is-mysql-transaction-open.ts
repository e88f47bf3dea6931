import { errorChain } from './error-chain.js';

/** The savepoint does not exist. */
const NO_SAVEPOINT = ['1305', 'ER_SP_DOES_NOT_EXIST'];

/**
 * Tells whether a connection to MySQL or MariaDB is in a transaction. For libraries that do not show the status which the
 * server sends with each answer.
 *
 * @param run - runs a statement on the connection
 */
export async function isMysqlTransactionOpen(run: (text: string) => Promise<unknown>): Promise<boolean> {
  // outside a transaction, the savepoint ends with its statement
  await run('savepoint nestjs_dtm');
  try {
    await run('release savepoint nestjs_dtm');
    return true;
  } catch (error) {
    for (const { code, errno } of errorChain(error)) {
      if (NO_SAVEPOINT.includes(String(errno)) || NO_SAVEPOINT.includes(String(code))) return false;
    }
    throw error;
  }
}
