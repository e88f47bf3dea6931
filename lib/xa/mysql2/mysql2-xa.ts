import { barrierTable } from '../../barrier/sql/barrier-table.js';
import type { BarrierTableOptions } from '../../barrier/sql/index.js';
import { DtmConfigError, DtmOngoingError } from '../../protocol/index.js';
import { sqlXa } from '../sql-xa.js';
import type { InDoubtBranch, XaAdapter, XaKey } from '../xa-adapter.js';
import type { XaConnection, XaConnectionState, XaDatabase } from '../xa-database.js';
import { mysql2Barrier } from './mysql2-barrier.js';
import { endConnection } from './mysql2-detach.js';
import { connectionsOf, errnoOf, onConnection, rowsOf, type Mysql2Connection, type Mysql2Pool } from './mysql2-pool.js';
import { serverOf, type Mysql2Server } from './mysql2-server.js';
import { mysqlXid, readMysqlXid } from './mysql2-xid.js';

const XAER_NOTA = 1397;
const XAER_DUPID = 1440;
const LOCK_WAIT_TIMEOUT = 1205;
const SPECIFIC_ACCESS_DENIED = 1227;
const XAER_RMERR = 1401;

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

/** A connection that does the work of one branch. */
class Mysql2XaConnection<Connection extends Mysql2Connection> implements XaConnection<Connection> {
  constructor(
    private readonly pool: Mysql2Pool<Connection>,
    readonly tx: Connection,
    private readonly server: Mysql2Server,
  ) {}

  async start(branch: XaKey) {
    // fewer locks than with the usual level; a prepared branch keeps its locks for long
    await rowsOf(this.tx, 'set transaction isolation level read committed');
    try {
      await rowsOf(this.tx, `xa start ${mysqlXid(branch)}`);
      return 'started';
    } catch (error) {
      if (errnoOf(error) !== XAER_DUPID) throw error;
      // the level was meant for one transaction only, not for the next user of the connection
      await rowsOf(this.tx, 'start transaction');
      await rowsOf(this.tx, 'rollback');
      return (await isPrepared(this.tx, branch)) ? 'prepared' : 'under way';
    }
  }

  async prepare(branch: XaKey): Promise<void> {
    await rowsOf(this.tx, `xa end ${mysqlXid(branch)}`);
    await rowsOf(this.tx, `xa prepare ${mysqlXid(branch)}`);
  }

  async rollback(branch: XaKey): Promise<void> {
    // refused where the branch is ended already, or can only be rolled back
    await rowsOf(this.tx, `xa end ${mysqlXid(branch)}`).catch(() => undefined);
    await rowsOf(this.tx, `xa rollback ${mysqlXid(branch)}`);
  }

  async release(state: XaConnectionState): Promise<void> {
    if (state === 'idle' || (state === 'prepared' && this.server.detachesOnPrepare)) this.tx.release();
    else if (this.server.detachesOnPrepare) this.tx.destroy();
    else await endConnection(this.pool, this.tx);
  }
}

/** Our branches that are prepared on the server. */
async function prepared(connection: Mysql2Connection): Promise<XaKey[]> {
  const rows = await rowsOf(connection, 'xa recover');
  return rows.map(readMysqlXid).filter((branch) => branch !== undefined);
}

/** Whether a branch is prepared; false, too, where MySQL does not let the account look. */
async function isPrepared(connection: Mysql2Connection, { gid, branchId }: XaKey): Promise<boolean> {
  try {
    return (await prepared(connection)).some((branch) => branch.gid === gid && branch.branchId === branchId);
  } catch (error) {
    if ([SPECIFIC_ACCESS_DENIED, XAER_RMERR].includes(errnoOf(error) ?? 0)) return false;
    throw error;
  }
}

/** The server does not say since when a branch is prepared, but its barrier row does to those who read uncommitted rows. */
async function ageOf(
  connection: Mysql2Connection,
  table: string,
  { gid, branchId }: XaKey,
): Promise<number | undefined> {
  await rowsOf(connection, 'set transaction isolation level read uncommitted');
  const [rows] = await connection.execute({
    sql:
      `select timestampdiff(second, create_time, current_timestamp) as age from ${table} ` +
      "where gid = ? and branch_id = ? and op = 'action' and barrier_id = '01'",
    values: [gid, branchId],
    rowsAsArray: false,
    typeCast: true,
  });
  const [row] = rows as { age: unknown }[];
  return row === undefined ? undefined : Math.max(0, Number(row.age));
}
