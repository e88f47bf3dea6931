import mysql, { type Pool, type PoolConnection } from 'mysql2/promise';
import { mysql2Barrier } from 'nestjs-dtm/barrier/mysql2';
import type { BarrierBed } from '../barrier-bed.js';

/** What the tests ask of MySQL about its sessions. */
export const MYSQL_SESSIONS = {
  // not information_schema.innodb_trx: it stays as it is for as long as it is read more than ten times a second
  waiting:
    "select variable_value as n from information_schema.global_status where variable_name = 'Innodb_row_lock_current_waits'",
  own: 'select connection_id() as id',
  kill: (id: unknown) => `kill ${String(id)}`,
  alive: (id: unknown) => `select 1 from information_schema.processlist where id = ${String(id)}`,
};

/** MySQL or MariaDB through a pool of mysql2. */
export async function mysql2PoolBed(uri: string, connectionLimit: number = 30): Promise<BarrierBed<PoolConnection>> {
  const pool = mysql.createPool({ uri, connectionLimit });
  const rows = (sql: string) => query(pool, sql);

  const outside = mysql.createPool({ uri, connectionLimit: 2 });
  const idle = await outside.getConnection();
  const ended = await outside.getConnection();
  await ended.beginTransaction();
  await ended.commit();
  const callbackConnection = (idle as unknown as { connection: object }).connection;

  return {
    dialect: 'mysql',
    adapter: (options) => mysql2Barrier(pool, options),
    async begin(isolation) {
      const connection = await pool.getConnection();
      await connection.query(`set transaction isolation level ${isolation ?? 'read committed'}`);
      await connection.beginTransaction();
      const end = async (statement: string): Promise<void> => {
        await connection.query(statement);
        connection.release();
      };
      return { tx: connection, commit: () => end('commit'), rollback: () => end('rollback') };
    },
    query,
    rows,
    notTransactions: {
      'the pool': pool,
      'the pool with callbacks': pool.pool,
      'a connection outside a transaction': idle,
      'a connection whose transaction has ended': ended,
      'a connection with callbacks': callbackConnection,
    },
    sessions: {
      waiting: async () => Number((await rows(MYSQL_SESSIONS.waiting))[0]?.['n']),
      async kill(connection) {
        await rows(MYSQL_SESSIONS.kill(connection.threadId));
        while ((await rows(MYSQL_SESSIONS.alive(connection.threadId))).length > 0);
      },
    },
    small: (connections) => mysql2PoolBed(uri, connections),
    async close() {
      idle.release();
      ended.release();
      await Promise.all([pool.end(), outside.end()]);
    },
  };
}

async function query(connection: Pool | PoolConnection, sql: string): Promise<Record<string, unknown>[]> {
  const [rows] = await connection.query(sql);
  return rows as Record<string, unknown>[];
}
