import { PGlite } from '@electric-sql/pglite';
import { Logger } from '@nestjs/common';
import type { BarrierAdapter } from 'nestjs-dtm';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import type { XaAdapter } from 'nestjs-dtm/xa';
import { pgXa } from 'nestjs-dtm/xa/pg';
import { Pool } from 'pg';
import { dataFolder } from '../data-folder.js';

/** Runs statements, in a database or in a transaction. */
export interface Sql {
  query(text: string, parameters?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** The PostgreSQL database of one bank, with its adapters for branches. */
export interface BankDatabase extends Sql {
  readonly barrier: BarrierAdapter<Sql>;
  /** Absent when the database cannot prepare transactions. */
  readonly xa?: XaAdapter<Sql>;
  open(): Promise<void>;
  close(): Promise<void>;
}

const POSTGRES = process.env.SAMPLE_POSTGRES;

/** Whether the banks support XA transactions. */
export const HAS_XA = Boolean(POSTGRES);

/** What the banks need for XA transactions. */
export const XA_REQUIREMENT =
  'mode=xa needs a real PostgreSQL; set SAMPLE_POSTGRES=postgres://… to a server with max_prepared_transactions above 0';

/** Creates the database of a bank: a schema in the server of SAMPLE_POSTGRES, or an own PGlite. */
export function bankDatabase(name: string): BankDatabase {
  return POSTGRES ? postgres(POSTGRES, name.replace('-', '_')) : pglite(dataFolder(name));
}

/** PGlite is a PostgreSQL inside this process. */
function pglite(folder: string): BankDatabase {
  const database = new PGlite(folder);
  const barrier = pgBarrier(database);
  return {
    query: (text, parameters) => database.query(text, parameters),
    barrier,
    open: () => barrier.createTable(),
    close: () => database.close(),
  };
}

function postgres(connectionString: string, schema: string): BankDatabase {
  const newPool = () =>
    new Pool({ connectionString, options: `-c search_path=${schema}` })
      // a pool emits it when an idle connection is lost; without a listener it would end the process
      .on('error', ({ message }) => Logger.warn(message, 'Bank'));
  const pool = newPool();
  // a separate pool, because statements that wait for the locks of a prepared branch occupy connections
  const xaPool = newPool();
  const barrier = pgBarrier(pool, { schema });
  return {
    query: (text, parameters) => pool.query(text, parameters),
    barrier,
    xa: pgXa(xaPool, { schema }),
    async open() {
      const { rows } = await pool.query<{ most: number }>(
        "select current_setting('max_prepared_transactions')::int as most",
      );
      if (rows[0]?.most === 0) throw new Error('SAMPLE_POSTGRES must have max_prepared_transactions above 0');
      // also creates the schema
      await barrier.createTable();
    },
    async close() {
      await Promise.all([pool.end(), xaPool.end()]);
    },
  };
}
