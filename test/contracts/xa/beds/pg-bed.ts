import { Pool, type PoolClient } from 'pg';
import { pgXa } from 'nestjs-dtm/xa/pg';
import { waitForDisconnects } from '../../../support/wait-for-disconnects.js';
import { waitUntil } from '../../../support/wait-until.js';
import type { Row, XaBed } from '../xa-bed.js';

/** PostgreSQL through node-postgres. */
export async function pgXaBed(connectionString: string): Promise<XaBed<PoolClient>> {
  const pools: Pool[] = [];
  const outside = new Pool({ connectionString, max: 4, application_name: 'outside' });
  outside.on('error', () => {}); // so is the server
  const rows = async (sql: string): Promise<Row[]> => (await outside.query<Row>(sql)).rows;
  const numberIn = async (sql: string): Promise<number> => Number((await rows(sql))[0]?.['n']);
  const terminate = async (condition: string): Promise<void> => {
    const others = `pg_stat_activity where backend_type = 'client backend' and application_name <> 'outside' and ${condition}`;
    await rows(`select pg_terminate_backend(pid) from ${others}`);
    await waitUntil(async () => (await numberIn(`select count(*) as n from ${others}`)) === 0);
  };

  return {
    pool(max) {
      const pool = new Pool({ connectionString, max });
      pool.on('error', () => {}); // sessions are killed on purpose
      pools.push(pool);
      return { adapter: pgXa(pool), busy: () => pool.totalCount - pool.idleCount };
    },
    query: async (client, sql) => (await client.query<Row>(sql)).rows,
    rows,
    prepared: () => numberIn('select count(*) as n from pg_prepared_xacts'),
    async prepareForeign() {
      const client = await outside.connect();
      await client.query("begin; select 1; prepare transaction 'somebody-01'");
      client.release();
      return async () => void (await rows("rollback prepared 'somebody-01'"));
    },
    waiting: () => numberIn("select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'"),
    async kill(client) {
      const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      await terminate(`pid = ${own[0]!.pid}`);
    },
    killAll: () => terminate('true'),
    async spoil(client) {
      await client.query('select 1 / 0').catch(() => undefined);
    },
    loseAnswer(client, beginning) {
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(client, {
        query: async (...args: unknown[]) => {
          const result = await query(...args);
          if (!String(args[0]).startsWith(beginning)) return result;
          throw new Error('the answer was lost');
        },
      });
    },
    prepareStatement: 'prepare transaction',
    // 199 bytes without "dtm:" and "-01"
    longestGid: 192,
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
      await outside.end();
      await waitForDisconnects(connectionString);
    },
  };
}
