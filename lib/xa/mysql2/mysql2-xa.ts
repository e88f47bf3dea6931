import { barrierTable } from '../../barrier/sql/barrier-table.js';
import type { BarrierTableOptions } from '../../barrier/sql/index.js';
import { DtmOngoingError } from '../../protocol/internal.js';
import { LOCK_TIMEOUT_SECONDS, sqlXa } from '../sql-xa.js';
import type { InDoubtBranch, XaAdapter } from '../xa-adapter.js';
import type { XaDatabase } from '../xa-database.js';
import { mysql2Barrier } from '../../barrier/mysql2/mysql2-barrier.js';
import { Mysql2XaConnection } from './mysql2-xa-connection.js';
import {
  assertPromisePool,
  connectionLimitOf,
  queryRows,
  serverErrno,
  type Mysql2Connection,
  type Mysql2Pool,
} from '../../barrier/mysql2/mysql2-pool.js';
import { withConnection, withLockTimeout } from './mysql2-xa-pool.js';
import { isPrepared, listPrepared, preparedSeconds } from './prepared-branches.js';
import { detectServer } from './detect-server.js';
import { mysqlXid } from './mysql2-xid.js';

const XAER_NOTA = 1397;
const LOCK_WAIT_TIMEOUT = 1205;

/**
 * Creates an XA adapter for MySQL 8.0 and MariaDB 10.5 or newer, with InnoDB, through mysql2.
 *
 * Each first phase uses a connection of the pool; one connection is reserved for the second phase. On MySQL from
 * 8.0.29, the connection goes back to the pool after the prepare. Elsewhere it is closed, because the prepared branch
 * stays attached to it. Use a separate pool, because statements that wait for the locks of a prepared branch occupy
 * connections.
 *
 * On MySQL, the account needs the privilege `XA_RECOVER_ADMIN` to list branches in doubt.
 *
 * @param pool - `createPool()` of `mysql2/promise`, of 2 connections or more
 * @param options - where the barrier table is
 * @throws DtmConfigError for any other `pool`, when the pool is too small, or when the name of the table is not allowed
 *
 * @example
 * const xa = mysql2Xa(createPool({ uri, connectionLimit: 10 }));
 */
export function mysql2Xa<Connection extends Mysql2Connection>(
  pool: Mysql2Pool<Connection>,
  options?: BarrierTableOptions,
): XaAdapter<Connection> {
  assertPromisePool(pool, 'mysql2Xa');
  const barrier = mysql2Barrier(pool, options);
  const table = barrierTable('mysql', options).quoted;
  const database: XaDatabase<Connection> = {
    pool,
    connections: connectionLimitOf(pool),
    barrier: {
      ...barrier,
      transaction: (work) =>
        barrier.transaction((connection) => withLockTimeout(connection, LOCK_TIMEOUT_SECONDS, () => work(connection))),
    },
    check: (branch) => void mysqlXid(branch),
    isLockTimeout: (error) => serverErrno(error) === LOCK_WAIT_TIMEOUT,
    async connect() {
      const server = await detectServer(pool);
      return new Mysql2XaConnection(pool, await pool.getConnection(), server);
    },
    decide: (branch, decision) =>
      withConnection(pool, async (connection) => {
        try {
          await queryRows(connection, `xa ${decision} ${mysqlXid(branch)}`);
          return true;
        } catch (error) {
          if (serverErrno(error) !== XAER_NOTA) throw error;
        }
        // also "unknown" while the connection that prepared the branch has not ended; no retry here, see endConnection()
        if (!(await isPrepared(connection, branch))) return false;
        throw new DtmOngoingError(
          `XA branch ${branch.branchId} of ${branch.gid}: the connection that prepared it has not ended yet`,
          { gid: branch.gid },
        );
      }),
    listInDoubt: () =>
      withConnection(pool, async (connection) => {
        const branches: InDoubtBranch[] = [];
        for (const branch of await listPrepared(connection)) {
          branches.push({ ...branch, ageSeconds: await preparedSeconds(connection, table, branch) });
        }
        return branches;
      }),
  };
  return sqlXa(database);
}
