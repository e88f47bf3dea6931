import { PGlite, type Transaction } from '@electric-sql/pglite';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { signal, type BarrierBed, type OpenTransaction } from '../barrier-bed.js';

/** PGlite through the adapter for pg-style clients. */
export async function pgliteBed(): Promise<BarrierBed<Transaction>> {
  const database = await PGlite.create();
  return {
    dialect: 'postgres',
    adapter: (options) => pgBarrier(database, options),
    begin: () => openPGliteTransaction(database),
    query: async (tx, sql) => (await tx.query<Record<string, unknown>>(sql)).rows,
    rows: async (sql) => (await database.query<Record<string, unknown>>(sql)).rows,
    notTransactions: { 'the database': database, 'an ended transaction': await endedTransaction(database) },
    close: () => database.close(),
  };
}

async function openPGliteTransaction(database: PGlite): Promise<OpenTransaction<Transaction>> {
  const opened = signal<Transaction>();
  const end = signal();
  const ended = database.transaction(async (tx) => {
    opened.resolve(tx);
    await end.promise;
  });
  return {
    tx: await opened.promise,
    async commit() {
      end.resolve();
      await ended;
    },
    async rollback() {
      end.reject(new Error('rolled back by the test'));
      await ended.catch(() => {});
    },
  };
}

async function endedTransaction(database: PGlite): Promise<Transaction> {
  const { tx, commit } = await openPGliteTransaction(database);
  await commit();
  return tx;
}
