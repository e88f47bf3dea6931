import { errorText } from '../../protocol/internal.js';
import type { BarrierAdapter } from '../barrier-adapter.js';
import type { BarrierTableOptions } from './barrier-table-options.js';
import { isMysqlTransactionOpen } from './is-mysql-transaction-open.js';
import { isPostgresTransactionOpen } from './is-postgres-transaction-open.js';
import { isReadOnlyError } from './is-read-only-error.js';
import { sqlBarrier } from './sql-barrier.js';
import type { SqlExecutor } from './sql-executor.js';
import { withoutEscapes } from './without-escapes.js';

/** Result of a statement. */
export interface LibraryResult {
  /** Affected rows of an insert. */
  readonly affected: number | undefined;
  /** Rows as objects. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** A library that opens and ends transactions itself, and shows neither their state nor their connection. */
export interface SqlLibrary<Tx> extends Pick<SqlExecutor<Tx>, 'dialect' | 'transactionHint' | 'transaction' | 'pool'> {
  /** Runs a statement in the transaction. Statements without parameters can be several, with `;` between them. */
  run(tx: Tx, text: string, parameters: readonly string[]): Promise<LibraryResult>;
  /** Tells whether a value is a transaction of the library, as far as the library knows. It must not throw for any value. */
  isTransaction(tx: unknown): boolean;
  /** Message of the error of a statement in a transaction that has ended, where the library refuses it. */
  readonly endedMessage?: RegExp;
}

/**
 * Creates a barrier adapter for a library with transactions of its own: asks the server for their state, and closes connections
 * that accept no writes any more.
 *
 * @param library - runs statements and transactions
 * @param options - where the barrier table is
 * @throws DtmConfigError when the name of the table is not allowed
 */
export function libraryBarrier<Tx>(library: SqlLibrary<Tx>, options?: BarrierTableOptions): BarrierAdapter<Tx> {
  const { dialect, transactionHint, pool } = library;
  const run = (tx: Tx, text: string, parameters: readonly string[]): Promise<LibraryResult> => {
    const statement = dialect === 'mysql' ? withoutEscapes(text, parameters) : { text, parameters };
    return library.run(tx, statement.text, statement.parameters);
  };
  const isOpen = (tx: Tx): boolean | Promise<boolean> => {
    const query = (text: string): Promise<unknown> => library.run(tx, text, []);
    if (dialect === 'postgres') return isPostgresTransactionOpen({ query });
    return dialect === 'sqlite' || isMysqlTransactionOpen(query);
  };
  return sqlBarrier<Tx>(
    {
      dialect,
      transactionHint,
      pool,
      execute: async (tx, text, parameters) => (await run(tx, text, parameters)).affected,
      query: async (tx, text, parameters) => (await run(tx, text, parameters)).rows,
      transaction: (work) =>
        library.transaction(async (tx) => {
          try {
            return await work(tx);
          } catch (error) {
            if (isReadOnlyError(error)) await endSession(library, tx);
            throw error;
          }
        }),
      async isOpen(tx) {
        if (!library.isTransaction(tx)) return false;
        try {
          return await isOpen(tx);
        } catch (error) {
          if (library.endedMessage?.test(errorText(error))) return false;
          throw error;
        }
      },
      noticesFailure: dialect === 'postgres',
    },
    options,
  );
}

/** Makes the server close the connection, so that the pool does not use it again. The transaction ends without its changes. */
async function endSession<Tx>({ dialect, run }: SqlLibrary<Tx>, tx: Tx): Promise<void> {
  const end =
    dialect === 'postgres' ? ['rollback', 'select pg_terminate_backend(pg_backend_pid())'] : ['kill connection_id()'];
  // the last statement waits until the client has noticed
  for (const text of [...end, 'select 1']) await run(tx, text, []).catch(() => undefined);
}
