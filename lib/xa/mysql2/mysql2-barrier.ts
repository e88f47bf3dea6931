import type { BarrierAdapter } from '../../barrier/index.js';
import { sqlBarrier, type BarrierTableOptions } from '../../barrier/sql/index.js';
import { LOCK_TIMEOUT_SECONDS } from '../sql-xa.js';
import { onConnection, rowsOf, type Mysql2Connection, type Mysql2Pool, type Mysql2Row } from './mysql2-pool.js';

/**
 * The barrier table through mysql2; its transactions wait for locks only shortly.
 *
 * @param pool - of mysql2/promise
 * @param options - where the table is
 */
export function mysql2Barrier<Connection extends Mysql2Connection>(
  pool: Mysql2Pool<Connection>,
  options?: BarrierTableOptions,
): BarrierAdapter<Connection> {
  return sqlBarrier<Connection>(
    {
      dialect: 'mysql',
      transactionHint: 'a connection of mysql2/promise',
      async execute(tx, sql, parameters) {
        const [result] = await tx.execute({ sql, values: [...parameters] });
        return (result as { readonly affectedRows: number }).affectedRows;
      },
      async query(tx, sql, parameters) {
        if (parameters.length === 0) return rowsOf(tx, sql);
        const [rows] = await tx.execute({ sql, values: [...parameters], rowsAsArray: false, typeCast: true });
        return rows as Mysql2Row[];
      },
      transaction: (work) => onConnection(pool, (connection) => inShortTransaction(connection, work)),
      isOpen: () => true,
    },
    options,
  );
}

async function inShortTransaction<Connection extends Mysql2Connection, T>(
  connection: Connection,
  work: (tx: Connection) => Promise<T>,
): Promise<T> {
  const [row] = await rowsOf(connection, 'select @@session.innodb_lock_wait_timeout as seconds');
  await rowsOf(connection, `set session innodb_lock_wait_timeout = ${LOCK_TIMEOUT_SECONDS}`);
  await rowsOf(connection, 'set transaction isolation level read committed');
  await rowsOf(connection, 'start transaction');
  const result = await work(connection);
  await rowsOf(connection, 'commit');
  await rowsOf(connection, `set session innodb_lock_wait_timeout = ${Number(row?.['seconds'])}`);
  return result;
}
