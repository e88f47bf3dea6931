import { Client, Pool, type PoolClient } from 'pg';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { waitUntil } from '../../../support/wait-until.js';
import type { BarrierBed } from '../barrier-bed.js';

/** What the tests ask of PostgreSQL about its sessions. */
export const POSTGRES_SESSIONS = {
  waiting:
    "select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
  own: 'select pg_backend_pid() as id',
  kill: (id: unknown) => `select pg_terminate_backend(${String(id)})`,
  alive: (id: unknown) => `select 1 from pg_stat_activity where pid = ${String(id)}`,
};

/** PostgreSQL through a pool of node-postgres. */
export async function pgPoolBed(url: string, max: number = 30): Promise<BarrierBed<PoolClient>> {
  const pool = new Pool({ connectionString: url, max });
  pool.on('error', () => {}); // sessions are killed on purpose

  const idle = await pool.connect();
  idle.release();
  const rows = async (sql: string): Promise<Record<string, unknown>[]> => (await pool.query(sql)).rows;

  return {
    dialect: 'postgres',
    adapter: (options) => pgBarrier(pool, options),
    async begin(isolation) {
      const client = await pool.connect();
      await client.query(`begin isolation level ${isolation ?? 'read committed'}`);
      const end = async (statement: string): Promise<void> => {
        await client.query(statement);
        client.release();
      };
      return { tx: client, commit: () => end('commit'), rollback: () => end('rollback') };
    },
    query: async (client, sql) => (await client.query(sql)).rows,
    rows,
    notTransactions: { 'the pool': pool, 'a client outside a transaction': idle },
    sessions: {
      waiting: async () => Number((await rows(POSTGRES_SESSIONS.waiting))[0]?.['n']),
      async kill(client) {
        const id = (await client.query(POSTGRES_SESSIONS.own)).rows[0].id;
        await rows(POSTGRES_SESSIONS.kill(id));
        while ((await rows(POSTGRES_SESSIONS.alive(id))).length > 0);
      },
    },
    small: (connections) => pgPoolBed(url, connections),
    close: async () => {
      await pool.end();
      if (max < 30) return;
      await waitForDisconnects(url);
    },
  };
}

/**
 * Waits until the clients have disconnected. One that is still connected when the server stops would throw without a listener.
 */
async function waitForDisconnects(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  const others = `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
  await waitUntil(async () => (await client.query(others)).rows.length === 0);
  await client.end();
}
