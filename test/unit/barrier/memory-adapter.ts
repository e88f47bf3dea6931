import type { BarrierAdapter, BarrierRow } from 'nestjs-dtm/barrier';

/** Handle of a transaction of {@link memoryAdapter}. */
export interface MemoryTransaction {
  readonly rows: Set<string>;
}

/** The rows of one barrier in a set, transactions one at a time. */
export function memoryAdapter(changes: Partial<BarrierAdapter<MemoryTransaction>> = {}) {
  let committed = new Set<string>();
  const adapter: BarrierAdapter<MemoryTransaction> = {
    async transaction(work) {
      const tx = { rows: new Set(committed) };
      const result = await work(tx);
      committed = tx.rows;
      return result;
    },
    async insert(tx, row) {
      const key = keyOf(row);
      if (tx.rows.has(key)) return false;
      tx.rows.add(key);
      return true;
    },
    assertTransaction() {},
    async createTable() {},
    ...changes,
  };
  return { adapter, rows: () => [...committed] };
}

function keyOf({ gid, branchId, op, barrierId }: BarrierRow): string {
  return [gid, branchId, op, barrierId].join('/');
}
