import { DtmConfigError } from '../../protocol/internal.js';
import type { BarrierAdapter } from '../barrier-adapter.js';
import { sqlBarrier, type BarrierTableOptions, type SqlExecutor } from '../sql/index.js';
import { isPostgresTransactionOpen } from '../sql/is-postgres-transaction-open.js';
import { maxConnectionsOf, type PgClient, type PgDatabase, type PgPool, type PgQueryable } from './pg-client.js';
import { runInDatabase, runInPool, runOnClient } from './pg-transactions.js';

type Transaction = SqlExecutor<PgClient>['transaction'];

/**
 * Creates a barrier adapter for PostgreSQL through node-postgres or PGlite.
 *
 * With a `Pool`, each `barrier.call` uses a separate connection; inside another one, it is refused when it could never get one. PGlite and a single `Client` have one connection: their
 * calls wait for each other, and a `barrier.call` inside another one is refused. `call` refuses a `Client` that is already in
 * a transaction; use `join` for it.
 *
 * @param database - `Pool`, `Client` or `PoolClient` of node-postgres, or a `PGlite`
 * @param options - where the barrier table is
 * @throws DtmConfigError for any other `database`, or when the name of the table is not allowed
 *
 * @example
 * await barrier.call(pgBarrier(pool), (client) => client.query('update account set …'));
 */
export function pgBarrier<Tx extends PgQueryable>(
  database: PgDatabase<Tx>,
  options?: BarrierTableOptions,
): BarrierAdapter<Tx>;
export function pgBarrier<Tx extends PgQueryable>(
  database: PgPool<Tx>,
  options?: BarrierTableOptions,
): BarrierAdapter<Tx>;
export function pgBarrier<Tx extends PgClient>(database: Tx, options?: BarrierTableOptions): BarrierAdapter<Tx>;
export function pgBarrier(database: unknown, options?: BarrierTableOptions): BarrierAdapter<PgClient> {
  return sqlBarrier<PgClient>(
    {
      dialect: 'postgres',
      transactionHint: 'the client on which BEGIN was awaited, or the transaction that PGlite gives to its callback',
      transaction: transactionOf(database),
      pool: isPool(database) ? { key: database, connections: maxConnectionsOf(database) } : undefined,
      // PGlite before 0.5.15 does not report it
      reportsRollback: !isPGlite(database),
      async execute(tx, text, parameters) {
        const { rowCount, affectedRows } = await tx.query(text, [...parameters]);
        return affectedRows ?? rowCount ?? undefined;
      },
      async query(tx, text, parameters) {
        const { rows } = await tx.query(text, [...parameters]);
        return rows as Record<string, unknown>[];
      },
      isOpen,
    },
    options,
  );
}

function transactionOf(database: unknown): Transaction {
  if (isPGlite(database)) return (work) => runInDatabase(database, work);
  if (isPool(database)) return (work) => runInPool(database, work);
  if (isClient(database)) return (work) => runOnClient(database, work);
  throw new DtmConfigError('pgBarrier needs a Pool, Client or PoolClient of node-postgres, or a PGlite');
}

async function isOpen(handle: unknown): Promise<boolean> {
  if (!isClient(handle) || isPool(handle) || isPGlite(handle)) return false;
  // the transaction of PGlite knows whether it has ended
  if ('closed' in handle) return handle.closed === false;
  return isPostgresTransactionOpen(handle);
}

function isClient(value: unknown): value is PgClient {
  return has(value, 'query');
}

function isPool(value: unknown): value is PgPool<PgClient> {
  // clients have "connect" too
  return has(value, 'connect') && 'totalCount' in value;
}

function isPGlite(value: unknown): value is PgDatabase<PgClient> {
  return isClient(value) && has(value, 'transaction');
}

function has(value: unknown, method: string): value is object {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';
}
