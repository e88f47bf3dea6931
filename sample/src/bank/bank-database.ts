import { PGlite } from '@electric-sql/pglite';
import { Logger } from '@nestjs/common';
import type { BarrierAdapter } from 'nestjs-dtm';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import type { XaAdapter } from 'nestjs-dtm/xa';
import { pgXa } from 'nestjs-dtm/xa/pg';
import { Pool } from 'pg';
import { dataFolder } from '../data-folder.js';

/** Runs statements: a database, or a transaction in it. */
export interface Sql {
  query(text: string, parameters?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** The PostgreSQL of one bank, and what ties branches to its transactions. */
export interface BankDatabase extends Sql {
  readonly barrier: BarrierAdapter<Sql>;
  /** Only where the database can prepare transactions. */
  readonly xa?: XaAdapter<Sql>;
  open(): Promise<void>;
  close(): Promise<void>;
}

const POSTGRES = process.env.SAMPLE_POSTGRES;

/** Whether the banks can take part in XA transactions. */
export const HAS_XA = Boolean(POSTGRES);

/** Why they cannot. */
export const NO_XA =
  'mode=xa needs SAMPLE_POSTGRES=postgres://… that names a PostgreSQL with max_prepared_transactions above 0: ' +
  "the banks' own PGlite has one connection and no prepared transactions";

/** The database of a bank: a schema in the server that SAMPLE_POSTGRES names, or a PGlite of its own. */
export function bankDatabase(name: string): BankDatabase {
  return POSTGRES ? postgres(POSTGRES, name.replace('-', '_')) : pglite(dataFolder(name));
}

/** PostgreSQL inside this process. */
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
      // emitted when a connection that nobody uses is lost; unheard, it would end the process
      .on('error', ({ message }) => Logger.warn(message, 'Bank'));
  const pool = newPool();
  // of its own, because whoever waits for the locks of a prepared branch holds a connection
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
      // makes the schema, too
      await barrier.createTable();
    },
    async close() {
      await Promise.all([pool.end(), xaPool.end()]);
    },
  };
}
