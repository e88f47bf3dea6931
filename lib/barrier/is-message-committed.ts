import { DtmBarrierError, DtmError, parseGid, errorText } from '../protocol/internal.js';
import type { BarrierAdapter, BarrierRow } from './barrier-adapter.js';

/** The row that the local transaction of a message leaves: docs/protocol.md#message-barrier. */
const LOCAL_TRANSACTION = { transType: 'msg', branchId: '00', op: 'msg', barrierId: '01' } as const;

/**
 * Finds out whether the local transaction of a message committed, and keeps it from committing later when it has not.
 * Waits while the transaction is open and holds its row.
 *
 * @param adapter - the database of the local transaction
 * @param gid - the message
 * @returns `true`: it committed, the message is to be delivered; `false`: it has not, and never will
 * @throws DtmBarrierError when the database does not say
 */
export async function isMessageCommitted<Tx>(adapter: BarrierAdapter<Tx>, gid: string): Promise<boolean> {
  const row: BarrierRow = { ...LOCAL_TRANSACTION, gid: parseGid(gid), reason: 'rollback' };
  try {
    return await adapter.transaction(async (tx) => {
      if (await adapter.insert(tx, row)) return false;
      const reason = await adapter.findReason(tx, row);
      if (reason === undefined) throw new Error('its row is there and is not');
      return reason !== 'rollback';
    });
  } catch (error) {
    if (error instanceof DtmError) throw error;
    const reason = adapter.describeError?.(error) ?? errorText(error);
    throw new DtmBarrierError(`nothing is known of the local transaction of message ${gid}: ${reason}`, {
      cause: error,
      gid,
    });
  }
}
