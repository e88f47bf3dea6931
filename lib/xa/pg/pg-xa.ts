import { pgBarrier, type BarrierTableOptions, type PgClient, type PgPool } from '../../barrier/pg/index.js';
import { maxConnectionsOf } from '../../barrier/pg/pg-client.js';
import { DtmConfigError } from '../../protocol/internal.js';
import { LOCK_TIMEOUT_SECONDS, sqlXa } from '../sql-xa.js';
import type { XaAdapter } from '../xa-adapter.js';
import type { XaDatabase } from '../xa-database.js';
import { PgXaConnection } from './pg-xa-connection.js';
import { sqlStateOf, withClient } from './pg-xa-pool.js';
import { assertPreparedTransactions } from './assert-prepared-transactions.js';
import { XID_PREFIX, pgXid, quotePgXid, parsePgXid } from './pg-xid.js';

const UNDEFINED_OBJECT = '42704';
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Creates an XA adapter for PostgreSQL through node-postgres. The server needs `max_prepared_transactions` above 0.
 *
 * Each first phase uses a client of the pool until the branch is prepared; one client is reserved for the second phase. Use a
 * separate pool, because statements that wait for the locks of a prepared branch occupy connections.
 *
 * @param pool - `Pool` of node-postgres, of 2 connections or more
 * @param options - where the barrier table is
 * @throws DtmConfigError for any other `pool`, when the pool is too small, or when the name of the table is not allowed
 *
 * @example
 * const xa = pgXa(new Pool({ connectionString, max: 10 }));
 */
export function pgXa<Client extends PgClient>(pool: PgPool<Client>, options?: BarrierTableOptions): XaAdapter<Client> {
  if (typeof pool?.connect !== 'function' || !('totalCount' in pool)) {
    throw new DtmConfigError(
      'pgXa needs a Pool of node-postgres; PGlite and a single Client cannot prepare transactions',
    );
  }
  const barrier = pgBarrier(pool, options);
  const database: XaDatabase<Client> = {
    pool,
    connections: maxConnectionsOf(pool),
    check: (branch) => void pgXid(branch),
    barrier: {
      ...barrier,
      transaction: (work) =>
        barrier.transaction(async (client) => {
          await client.query(`set local lock_timeout = '${LOCK_TIMEOUT_SECONDS}s'`);
          return work(client);
        }),
    },
    isLockTimeout: (error) => sqlStateOf(error) === LOCK_NOT_AVAILABLE,
    async connect() {
      await assertPreparedTransactions(pool);
      return new PgXaConnection(await pool.connect());
    },
    decide: (branch, decision) =>
      withClient(pool, async (client) => {
        try {
          await client.query(`${decision} prepared ${quotePgXid(pgXid(branch))}`);
          return true;
        } catch (error) {
          if (sqlStateOf(error) === UNDEFINED_OBJECT) return false;
          throw error;
        }
      }),
    listInDoubt: () =>
      withClient(pool, async (client) => {
        const { rows } = await client.query(
          'select gid, extract(epoch from clock_timestamp() - prepared) as age from pg_prepared_xacts ' +
            'where database = current_database() and starts_with(gid, $1) order by prepared',
          [XID_PREFIX],
        );
        return (rows as { gid: string; age: string }[]).map(({ gid, age }) => ({
          ...parsePgXid(gid),
          ageSeconds: Math.max(0, Number(age)),
        }));
      }),
  };
  return sqlXa(database);
}
