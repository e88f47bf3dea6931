import { DtmBarrierError, DtmError, errorText, parseGid } from '../protocol/internal.js';
import type { BarrierAdapter, BarrierRow } from './barrier-adapter.js';
import { runInOwnTransaction } from './own-transaction.js';

/** The row that the local transaction of a message leaves: docs/protocol.md#message-barrier. */
const LOCAL_TRANSACTION = { transType: 'msg', branchId: '00', op: 'msg', barrierId: '01' } as const;

/**
 * Tells whether the local transaction of a message committed. If it has not, prevents it from committing later. Waits while
 * the transaction is open.
 *
 * @param adapter - database of the local transaction
 * @param gid - the message
 * @returns `true`: the transaction committed, deliver the message; `false`: it has not committed, and never will
 * @throws DtmBarrierError when the database failed
 */
export async function isMessageCommitted<Tx>(adapter: BarrierAdapter<Tx>, gid: string): Promise<boolean> {
  const row: BarrierRow = { ...LOCAL_TRANSACTION, gid: parseGid(gid), reason: 'rollback' };
  try {
    return await runInOwnTransaction(adapter, row, async (tx) => {
      if (await adapter.insert(tx, row)) return false;
      const reason = await adapter.findReason(tx, row);
      if (reason === undefined) throw new Error('the insert reported a duplicate, but the row does not exist');
      return reason !== 'rollback';
    });
  } catch (error) {
    if (error instanceof DtmError) throw error;
    const reason = adapter.describeError?.(error) ?? errorText(error);
    throw new DtmBarrierError(`the outcome of the local transaction of message ${gid} is unknown: ${reason}`, {
      cause: error,
      gid,
    });
  }
}
