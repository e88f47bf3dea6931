import { DtmConfigError } from '../../protocol/internal.js';
import { isPostgresTransactionOpen } from '../sql/is-postgres-transaction-open.js';
import { runExclusive } from '../sql/run-exclusive.js';
import { runTransaction, type TransactionConnection } from '../sql/run-transaction.js';
import { ignoreErrorEvents, type PgClient, type PgDatabase, type PgPool, type PooledPgClient } from './pg-client.js';

/** Runs a transaction on a client of the pool. */
export async function runInPool<T>(pool: PgPool<PgClient>, work: (tx: PgClient) => Promise<T>): Promise<T> {
  const client = (await pool.connect()) as PooledPgClient;
  const connection = transactionOn(client, (isBroken) => client.release(isBroken));
  return runTransaction(connection, () => work(client));
}

/** Runs a transaction on a single client, after those that were started before. */
export function runOnClient<T>(client: PgClient, work: (tx: PgClient) => Promise<T>): Promise<T> {
  return runExclusive(client, async () => {
    if (await isPostgresTransactionOpen(client)) {
      throw new DtmConfigError(
        'pgBarrier: the client is already in a transaction, which the barrier would commit; ' +
          'use barrier.join with this client, or give pgBarrier a pool',
      );
    }
    return runTransaction(
      transactionOn(client, () => undefined),
      () => work(client),
    );
  });
}

/** Runs a transaction of PGlite, which has one connection and a queue. */
export function runInDatabase<Tx extends PgClient, T>(
  database: PgDatabase<Tx>,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return runExclusive(database, () =>
    database.transaction(async (tx) => {
      await tx.query('set transaction isolation level read committed');
      return work(tx);
    }),
  );
}

function transactionOn(client: PgClient, release: (isBroken: boolean) => void): TransactionConnection {
  const listenAgain = ignoreErrorEvents(client);
  return {
    begin: () => client.query('begin isolation level read committed'),
    commit: async () => (await client.query('commit')).command !== 'ROLLBACK',
    rollback: () => client.query('rollback'),
    release(isBroken) {
      listenAgain();
      release(isBroken);
    },
  };
}
