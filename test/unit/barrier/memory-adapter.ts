import type { BarrierAdapter, BarrierKey } from 'nestjs-dtm/barrier';

/** Handle of a transaction of {@link memoryAdapter}. */
export interface MemoryTransaction {
  readonly rows: Map<string, string>;
}

/** The rows of one barrier in a map, transactions one at a time. */
export function memoryAdapter(changes: Partial<BarrierAdapter<MemoryTransaction>> = {}) {
  let committed = new Map<string, string>();
  const adapter: BarrierAdapter<MemoryTransaction> = {
    async transaction(work) {
      const tx = { rows: new Map(committed) };
      const result = await work(tx);
      committed = tx.rows;
      return result;
    },
    async insert(tx, row) {
      const key = keyOf(row);
      if (tx.rows.has(key)) return false;
      tx.rows.set(key, row.reason);
      return true;
    },
    async findReason(tx, key) {
      return tx.rows.get(keyOf(key));
    },
    assertTransaction() {},
    async createTable() {},
    ...changes,
  };
  return { adapter, rows: () => [...committed.keys()] };
}

function keyOf({ gid, branchId, op, barrierId }: BarrierKey): string {
  return [gid, branchId, op, barrierId].join('/');
}
