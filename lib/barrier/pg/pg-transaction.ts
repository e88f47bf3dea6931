import { DtmConfigError } from '../../protocol/internal.js';
import { oneAtATime } from '../sql/one-at-a-time.js';
import { isPostgresTransactionOpen } from '../sql/postgres-transaction.js';
import type { PgClient, PgDatabase, PgPool } from './pg-client.js';

/** A client out of a pool. */
type PooledClient = PgClient & { release(error?: Error | boolean): void };

/** Transaction on a connection that is taken out of the pool for it. */
export async function inPool<T>(pool: PgPool<PgClient>, work: (tx: PgClient) => Promise<T>): Promise<T> {
  const client = (await pool.connect()) as PooledClient;
  // a connection whose state is unknown must not go back to the pool
  let broken = true;
  try {
    return await begunAndEnded(client, work, () => {
      broken = false;
    });
  } finally {
    client.release(broken);
  }
}

/** Transaction on the only connection that there is. */
export function onClient<T>(client: PgClient, work: (tx: PgClient) => Promise<T>): Promise<T> {
  return oneAtATime(client, async () => {
    if (await isPostgresTransactionOpen(client)) {
      throw new DtmConfigError(
        'the client given to pgBarrier is in a transaction already, which the barrier would commit; ' +
          'use barrier.join with this client, or give pgBarrier a pool',
      );
    }
    return begunAndEnded(client, work);
  });
}

/** Transaction of PGlite, which has one connection and waits its turn by itself. */
export function inDatabase<Tx extends PgClient, T>(database: PgDatabase<Tx>, work: (tx: Tx) => Promise<T>): Promise<T> {
  return oneAtATime(database, () =>
    database.transaction(async (tx) => {
      await tx.query('set transaction isolation level read committed');
      return work(tx);
    }),
  );
}

/** @param ended - called when the transaction has ended for sure */
async function begunAndEnded<T>(
  client: PgClient,
  work: (tx: PgClient) => Promise<T>,
  ended: () => void = nothing,
): Promise<T> {
  // a lost connection is reported by the next statement; without a listener its event would end the process
  client.on?.('error', nothing);
  try {
    await client.query('begin isolation level read committed');
    let result: T;
    try {
      result = await work(client);
    } catch (error) {
      // the error of the work is what counts; a connection that cannot roll back is thrown away
      await client.query('rollback').then(ended, nothing);
      throw error;
    }
    const { command } = await client.query('commit');
    ended();
    if (command === 'ROLLBACK') {
      throw new Error('the database rolled back instead of committing: an earlier statement had failed');
    }
    return result;
  } finally {
    client.removeListener?.('error', nothing);
  }
}

function nothing(): void {}
