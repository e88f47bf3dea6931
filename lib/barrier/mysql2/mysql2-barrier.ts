import type { BarrierAdapter } from '../barrier-adapter.js';
import { sqlBarrier, type BarrierTableOptions } from '../sql/index.js';
import { runTransaction } from '../sql/run-transaction.js';
import {
  assertPromisePool,
  connectionLimitOf,
  queryRows,
  type Mysql2Connection,
  type Mysql2Pool,
  type Mysql2Row,
} from './mysql2-pool.js';

/** Flag in the status that the server sends with each answer. */
const SERVER_STATUS_IN_TRANS = 1;

/**
 * Creates a barrier adapter for MySQL and MariaDB through mysql2. Each `barrier.call` uses a connection of the pool.
 *
 * @param pool - `createPool()` of `mysql2/promise`
 * @param options - where the barrier table is
 * @throws DtmConfigError when `pool` is not a pool with promises, or the name of the table is not allowed
 *
 * @example
 * await barrier.call(mysql2Barrier(pool), (connection) => connection.query('update account set …'));
 */
export function mysql2Barrier<Connection extends Mysql2Connection>(
  pool: Mysql2Pool<Connection>,
  options?: BarrierTableOptions,
): BarrierAdapter<Connection> {
  assertPromisePool(pool, 'mysql2Barrier');
  return sqlBarrier<Connection>(
    {
      dialect: 'mysql',
      transactionHint: 'the connection of mysql2/promise on which beginTransaction() was awaited',
      transaction: (work) => runInPool(pool, work),
      // a pool with callbacks has a new object with promises for each call of promise()
      pool: { key: pool.pool ?? pool, connections: connectionLimitOf(pool) },
      async execute(connection, sql, parameters) {
        const [result] = await connection.execute({ sql, values: [...parameters] });
        return (result as { readonly affectedRows: number }).affectedRows;
      },
      async query(connection, sql, parameters) {
        if (parameters.length === 0) return queryRows(connection, sql);
        const values = [...parameters];
        const [rows] = await connection.execute({ sql, values, rowsAsArray: false, typeCast: true });
        return rows as Mysql2Row[];
      },
      isOpen,
    },
    options,
  );
}

async function runInPool<Connection extends Mysql2Connection, T>(
  pool: Mysql2Pool<Connection>,
  work: (tx: Connection) => Promise<T>,
): Promise<T> {
  const connection = await pool.getConnection();
  return runTransaction(
    {
      // "no chain no release": completion_type can begin another transaction after the end, or close the connection
      async begin() {
        await queryRows(connection, 'set transaction isolation level read committed');
        await queryRows(connection, 'start transaction');
      },
      async commit() {
        await queryRows(connection, 'commit and no chain no release');
        return true;
      },
      rollback: () => queryRows(connection, 'rollback and no chain no release'),
      release: (isBroken) => (isBroken ? connection.destroy() : connection.release()),
    },
    () => work(connection),
  );
}

/** mysql2 does not store the state of the transaction, but the server sends its status with each answer without rows. */
async function isOpen(handle: unknown): Promise<boolean> {
  if (!isPromiseConnection(handle)) return false;
  const [answer] = await handle.query({ sql: 'do 0' });
  const { serverStatus } = answer as { readonly serverStatus: number };
  return (serverStatus & SERVER_STATUS_IN_TRANS) !== 0;
}

function isPromiseConnection(value: unknown): value is Mysql2Connection {
  if (typeof value !== 'object' || value === null) return false;
  const { query, execute, getConnection, promise } = value as Readonly<Record<string, unknown>>;
  const isConnection = typeof query === 'function' && typeof execute === 'function';
  // pools have these methods too, and so have connections with callbacks
  return isConnection && typeof getConnection !== 'function' && typeof promise !== 'function';
}
