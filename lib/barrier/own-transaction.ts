import type { BarrierAdapter, BarrierKey } from './barrier-adapter.js';
import { useConnection } from './use-connection.js';
import { runAfterEarlierCalls } from './repetition-queue.js';

/**
 * Runs work in a transaction of the adapter. Repetitions of the same row wait for each other before they take a connection.
 *
 * @param adapter - opens the transaction
 * @param key - row that the work inserts
 */
export function runInOwnTransaction<Tx, T>(
  adapter: BarrierAdapter<Tx>,
  { gid, branchId, barrierId }: BarrierKey,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const { pool } = adapter;
  if (pool === undefined) return adapter.transaction(work);
  // without the operation: a compensation waits for its action
  const name = `barrier ${barrierId} of branch ${branchId} of ${gid}`;
  return runAfterEarlierCalls(pool.key, name, () =>
    useConnection(pool, 'barrier.call', (run) => adapter.transaction((tx) => run(() => work(tx)))),
  );
}
