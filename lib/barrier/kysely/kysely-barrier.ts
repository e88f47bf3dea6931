import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import { DtmConfigError } from '../../protocol/internal.js';
import type { BarrierAdapter } from '../barrier-adapter.js';
import type { BarrierTableOptions, SqlDialectName } from '../sql/index.js';
import { libraryBarrier, type LibraryResult } from '../sql/library-barrier.js';
import { runExclusive } from '../sql/run-exclusive.js';

/** Options of `kyselyBarrier`. */
export interface KyselyBarrierOptions extends BarrierTableOptions {
  /** Family of the database; `mysql` includes MariaDB. */
  readonly dialect: SqlDialectName;
  /**
   * Maximum number of connections of the pool below Kysely, which Kysely does not show. A `barrier.call` inside another one is
   * then refused when it could never get a connection. Not used for SQLite, which has one connection.
   *
   * @default no limit
   */
  readonly connections?: number | undefined;
}

/**
 * Creates a barrier adapter for Kysely on PostgreSQL, MySQL, MariaDB or SQLite.
 *
 * @param db - the instance, not a transaction
 * @param options - family of the database, size of its pool, and where the barrier table is
 * @throws DtmConfigError when `db` is not an instance of Kysely, or an option is not allowed
 *
 * @example
 * await barrier.call(kyselyBarrier(db, { dialect: 'postgres' }), (trx) => trx.updateTable('account').set(…).execute());
 */
export function kyselyBarrier<Database>(
  db: Kysely<Database>,
  options: KyselyBarrierOptions,
): BarrierAdapter<Transaction<Database>> {
  if (typeof db?.transaction !== 'function' || db.isTransaction) {
    throw new DtmConfigError('kyselyBarrier needs an instance of Kysely; pass a transaction to barrier.join instead');
  }
  const { dialect, connections = Infinity, ...table } = options;
  const isSqlite = dialect === 'sqlite';
  return libraryBarrier<Transaction<Database>>(
    {
      dialect,
      transactionHint: 'the transaction that db.transaction().execute() gives to its callback',
      pool: isSqlite ? undefined : { key: db, connections },
      transaction: (work) =>
        isSqlite
          ? runExclusive(db, () => db.transaction().execute(work))
          : db.transaction().setIsolationLevel('read committed').execute(work),
      run,
      isTransaction: (tx) => (tx as Transaction<Database> | null | undefined)?.isTransaction === true,
      endedMessage: /^Transaction is already (committed|rolled back)/,
    },
    table,
  );
}

async function run<Database>(
  trx: Transaction<Database>,
  text: string,
  parameters: readonly string[],
): Promise<LibraryResult> {
  // plugins can rename columns
  const query = CompiledQuery.raw(text, [...parameters]);
  const { numAffectedRows, rows } = await trx.withoutPlugins().executeQuery<Record<string, unknown>>(query);
  return { affected: numAffectedRows === undefined ? undefined : Number(numAffectedRows), rows };
}
