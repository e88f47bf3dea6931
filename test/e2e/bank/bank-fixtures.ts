import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Client, Pool } from 'pg';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { Bank, type Queryable } from './bank.js';
import { postgresXaBank, emulatedXaBank, type XaBank } from './xa-bank.js';

/** Two banks, each with its own database. */
export interface BankFixture {
  readonly banks: readonly [Bank, Bank];
  /** XA branches of the same banks; call this after the banks are open. */
  xaBanks(): Promise<readonly [XaBank, XaBank]>;
  close(): Promise<void>;
}

/** In-process databases with one connection for each bank: its transactions run one after another. */
async function pgliteFixture(): Promise<BankFixture> {
  const databases = [new PGlite(), new PGlite()] as const;
  const bank = (database: PGlite) => new Bank(database as Queryable, pgBarrier(database) as unknown as Bank['adapter']);
  const banks = [bank(databases[0]), bank(databases[1])] as const;
  return {
    banks,
    xaBanks: async () => [await emulatedXaBank(banks[0]), await emulatedXaBank(banks[1])],
    close: async () => {
      await Promise.all(databases.map((database) => database.close()));
    },
  };
}

/** A real server with two databases: transactions run in parallel. */
async function postgresFixture(): Promise<BankFixture> {
  const server = await startPostgres();
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  for (const name of ['bank_out', 'bank_in']) await admin.query(`create database ${name}`);
  await admin.end();
  const pool = (database: string) => {
    const created = new Pool({ ...server, database, max: 20 });
    // at shutdown the server sends an error to connections that are being closed
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
    xaBanks: async () => [postgresXaBank(banks[0], xaPools[0]), postgresXaBank(banks[1], xaPools[1])],
    close: async () => {
      await Promise.all([...pools, ...xaPools].map((database) => database.end()));
      await server.stop();
    },
  };
}

const postgres = requireOrSkip('postgres');

/** Databases of the bank tests, and the number of coordinator kills on each: PGlite is slow. */
export const BANK_FIXTURES = [
  { title: 'on PGlite', available: true, kills: postgres.available ? 5 : 20, create: pgliteFixture },
  { title: postgres.title('on PostgreSQL'), available: postgres.available, kills: 20, create: postgresFixture },
] as const;

/** Creates a temporary folder. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'dtm-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
