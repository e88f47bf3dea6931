import mysql, { type Pool, type PoolConnection } from 'mysql2/promise';
import { mysql2Xa } from 'nestjs-dtm/xa/mysql2';
import { waitUntil } from '../../../support/wait-until.js';
import type { Row, XaBed } from '../xa-bed.js';

/** MariaDB through mysql2. */
export async function mysql2XaBed(uri: string): Promise<XaBed<PoolConnection>> {
  const pools: Pool[] = [];
  const outside = mysql.createPool({ uri, connectionLimit: 1, charset: 'utf8mb4' });
  const rows = async (sql: string): Promise<Row[]> => (await outside.query(sql))[0] as Row[];
  const [own] = await rows('select connection_id() as id');
  const others = `from information_schema.processlist where user = 'dtm' and id <> ${String(own?.['id'])}`;
  const end = async (id: unknown): Promise<void> => {
    await rows(`kill ${String(id)}`).catch(() => undefined);
    await waitUntil(async () => (await rows(`select id ${others} and id = ${String(id)}`)).length === 0);
  };
  await rows('create table if not exists deadlock (id int primary key, n int)');
  await rows('insert ignore into deadlock values (1, 0), (2, 0)');

  return {
    pool(connectionLimit) {
      const pool = mysql.createPool({ uri, connectionLimit, charset: 'utf8mb4' });
      pools.push(pool);
      const { _allConnections: all, _freeConnections: free } = pool.pool as unknown as Record<
        string,
        { length: number }
      >;
      return { adapter: mysql2Xa(pool), busy: () => all!.length - free!.length };
    },
    query: async (connection, sql) => (await connection.query(sql))[0] as Row[],
    rows,
    prepared: async () => (await rows('xa recover')).length,
    async prepareForeign() {
      const connection = await mysql.createConnection({ uri });
      await connection.query("xa start 'somebody','01'");
      await connection.query('update deadlock set n = n + 1 where id = 1');
      await connection.query("xa end 'somebody','01'");
      await connection.query("xa prepare 'somebody','01'");
      await connection.end();
      await waitUntil(async () => (await rows(`select id ${others} and id = ${connection.threadId}`)).length === 0);
      return async () => void (await rows("xa rollback 'somebody','01'"));
    },
    waiting: async () => {
      const [row] = await rows("show global status like 'Innodb_row_lock_current_waits'");
      return Number(row?.['Value']);
    },
    kill: (connection) => end(connection.threadId),
    async killAll() {
      for (const { id } of await rows(`select id ${others}`)) await end(id);
    },
    async spoil(connection) {
      const other = await mysql.createConnection({ uri });
      await connection.query('update deadlock set n = n + 1 where id = 1');
      await other.query('start transaction');
      // InnoDB takes the smaller transaction for its victim
      for (let count = 0; count < 5; count++) await other.query('update deadlock set n = n + 1 where id = 2');
      await other.query(
        `insert into deadlock values ${Array.from({ length: 50 }, (_, id) => `(${id + 10}, 0)`).join()}`,
      );
      const waiting = other.query('update deadlock set n = n + 1 where id = 1');
      const error: unknown = await connection
        .query('update deadlock set n = n + 1 where id = 2')
        .catch((thrown) => thrown);
      await waiting;
      await other.query('rollback');
      await other.end();
      if ((error as { errno?: number }).errno !== 1213)
        throw new Error('the branch was not the victim of the deadlock');
    },
    loseAnswer(connection, beginning) {
      const query = connection.query.bind(connection) as (statement: { sql: string }) => Promise<unknown>;
      Object.assign(connection, {
        query: async (statement: { sql: string }) => {
          const result = await query(statement);
          if (!statement.sql?.startsWith(beginning)) return result;
          throw new Error('the answer was lost');
        },
      });
    },
    prepareStatement: 'xa prepare',
    longestGid: 64,
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
      await outside.end();
    },
  };
}
