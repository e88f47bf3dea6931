import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Client, Pool } from 'pg';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { Bank, type Queryable } from './bank.js';
import { preparedXaBank, tabledXaBank, type XaBank } from './xa-bank.js';

/** Two banks, each with a database of its own. */
export interface Bed {
  readonly banks: readonly [Bank, Bank];
  /** The same banks, whose changes are prepared first; called when they are open. */
  xaBanks(): Promise<readonly [XaBank, XaBank]>;
  close(): Promise<void>;
}

/** Inside this process: one connection for each bank, so that its transactions run one after the other. */
async function pgliteBed(): Promise<Bed> {
  const databases = [new PGlite(), new PGlite()] as const;
  const bank = (database: PGlite) => new Bank(database as Queryable, pgBarrier(database) as unknown as Bank['adapter']);
  const banks = [bank(databases[0]), bank(databases[1])] as const;
  return {
    banks,
    xaBanks: async () => [await tabledXaBank(banks[0]), await tabledXaBank(banks[1])],
    close: async () => {
      await Promise.all(databases.map((database) => database.close()));
    },
  };
}

/** A real server with two databases, where transactions really run at the same time. */
async function postgresBed(): Promise<Bed> {
  const server = await startPostgres();
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  for (const name of ['bank_out', 'bank_in']) await admin.query(`create database ${name}`);
  await admin.end();
  const pool = (database: string) => {
    const created = new Pool({ ...server, database, max: 20 });
    // the server says good-bye to connections that are being closed
    created.on('error', () => undefined);
    return created;
  };
  const pools = [pool('bank_out'), pool('bank_in')] as const;
  const xaPools = [pool('bank_out'), pool('bank_in')] as const;
  const bank = (database: Pool) =>
    new Bank(database as unknown as Queryable, pgBarrier(database) as unknown as Bank['adapter']);
  const banks = [bank(pools[0]), bank(pools[1])] as const;
  return {
    banks,
    xaBanks: async () => [preparedXaBank(banks[0], xaPools[0]), preparedXaBank(banks[1], xaPools[1])],
    close: async () => {
      await Promise.all([...pools, ...xaPools].map((database) => database.end()));
      await server.stop();
    },
  };
}

const postgres = requireOrSkip('postgres');

/** The databases that the tests of the bank run on, and how often a coordinator dies on them: PGlite is slow. */
export const BEDS = [
  { title: 'on PGlite', available: true, kills: postgres.available ? 5 : 20, make: pgliteBed },
  { title: postgres.title('on PostgreSQL'), available: postgres.available, kills: 20, make: postgresBed },
] as const;

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'dtm-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
