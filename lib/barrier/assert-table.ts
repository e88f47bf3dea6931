import { DtmBarrierError, DtmError, errorText } from '../protocol/internal.js';
import type { BarrierAdapter, BarrierKey } from './barrier-adapter.js';

/** A row that no transaction has. */
const NO_ROW: BarrierKey = { gid: 'nestjs-dtm-table-check', branchId: '00', op: 'check', barrierId: '01' };

/**
 * Reads from the barrier table.
 *
 * @param adapter - of the database
 * @throws DtmBarrierError that names the table and the remedy when the table cannot be read
 */
export async function assertBarrierTable<Tx>(adapter: BarrierAdapter<Tx>): Promise<void> {
  try {
    await adapter.transaction((tx) => adapter.findReason(tx, NO_ROW));
  } catch (error) {
    if (error instanceof DtmError) throw error;
    const reason = adapter.describeError?.(error) ?? errorText(error);
    throw new DtmBarrierError(`the barrier table cannot be read: ${reason}`, { cause: error });
  }
}
