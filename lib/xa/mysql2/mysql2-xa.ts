import { barrierTable } from '../../barrier/sql/barrier-table.js';
import type { BarrierTableOptions } from '../../barrier/sql/index.js';
import { DtmConfigError, DtmOngoingError } from '../../protocol/internal.js';
import { sqlXa } from '../sql-xa.js';
import type { InDoubtBranch, XaAdapter } from '../xa-adapter.js';
import type { XaDatabase } from '../xa-database.js';
import { mysql2Barrier } from './mysql2-barrier.js';
import { Mysql2XaConnection } from './mysql2-connection.js';
import { connectionsOf, errnoOf, onConnection, rowsOf, type Mysql2Connection, type Mysql2Pool } from './mysql2-pool.js';
import { ageOf, isPrepared, prepared } from './mysql2-recover.js';
import { serverOf } from './mysql2-server.js';
import { mysqlXid } from './mysql2-xid.js';

const XAER_NOTA = 1397;
const LOCK_WAIT_TIMEOUT = 1205;

/**
 * XA in MySQL 8.0 and MariaDB 10.5 or newer, with InnoDB, through mysql2: `xa start`, `xa prepare`, `xa commit`.
 *
 * Each phase 1 has a connection of the pool for itself; all but one can be in use so. It goes back to the pool when the
 * branch is prepared on MySQL from 8.0.29; elsewhere it is closed, since what it has prepared sticks to it. Give it a pool
 * that nothing else uses: whatever waits for the locks of a prepared branch holds a connection.
 *
 * On MySQL the account needs the privilege `XA_RECOVER_ADMIN` to list what is in doubt.
 *
 * @param pool - `createPool()` of `mysql2/promise`, of 2 connections or more
 * @param options - where the barrier table is
 * @throws DtmConfigError when `pool` is none, is too small, or the name of the table is not allowed
 *
 * @example
 * const xa = mysql2Xa(createPool({ uri, connectionLimit: 10 }));
 */
export function mysql2Xa<Connection extends Mysql2Connection>(
  pool: Mysql2Pool<Connection>,
  options?: BarrierTableOptions,
): XaAdapter<Connection> {
  if (typeof pool?.getConnection !== 'function' || typeof pool.pool !== 'object') {
    throw new DtmConfigError('mysql2Xa needs a pool with promises: createPool() of mysql2/promise');
  }
  const table = barrierTable('mysql', options).quoted;
  const database: XaDatabase<Connection> = {
    pool,
    connections: connectionsOf(pool),
    barrier: mysql2Barrier(pool, options),
    check: (branch) => void mysqlXid(branch),
    isLockTimeout: (error) => errnoOf(error) === LOCK_WAIT_TIMEOUT,
    async connect() {
      const server = await serverOf(pool);
      return new Mysql2XaConnection(pool, await pool.getConnection(), server);
    },
    decide: (branch, decision) =>
      onConnection(pool, async (connection) => {
        try {
          await rowsOf(connection, `xa ${decision} ${mysqlXid(branch)}`);
          return true;
        } catch (error) {
          if (errnoOf(error) !== XAER_NOTA) throw error;
        }
        // Unknown, too, while the connection that prepared it has not ended. Not tried again at once, see endConnection().
        if (!(await isPrepared(connection, branch))) return false;
        throw new DtmOngoingError(
          `XA branch ${branch.branchId} of ${branch.gid}: the connection that prepared it has not ended yet`,
          { gid: branch.gid },
        );
      }),
    inDoubt: () =>
      onConnection(pool, async (connection) => {
        const branches: InDoubtBranch[] = [];
        for (const branch of await prepared(connection)) {
          branches.push({ ...branch, ageSeconds: await ageOf(connection, table, branch) });
        }
        return branches;
      }),
  };
  return sqlXa(database);
}
