import { DtmFailureError, DtmOngoingError, type TransactionDetails } from '../../protocol/internal.js';

/**
 * Throws unless a transaction has succeeded.
 *
 * @param cause - error after which the state was read. @default none
 * @throws DtmFailureError with reason and failed branch when the transaction was rolled back; DtmOngoingError with the time
 *   of the next attempt when it is not finished
 */
export function assertSucceeded({ transaction, branches }: TransactionDetails, cause?: unknown): void {
  const { gid, status, rollbackReason = 'no reason was given', nextCronTime } = transaction;
  if (status === 'succeed') return;
  const failed = branches.find((branch) => branch.status === 'failed');
  const where = failed ? ` (branch ${failed.branchId} ${failed.url})` : '';
  if (status === 'failed') {
    throw new DtmFailureError(`transaction ${gid} was rolled back${where}: ${rollbackReason}`, { cause, gid });
  }
  const state = status === 'aborting' ? `is being rolled back${where}: ${rollbackReason}` : 'is not finished';
  const nextAttempt = new Date(nextCronTime).toISOString();
  throw new DtmOngoingError(`transaction ${gid} ${state}; next attempt at ${nextAttempt}`, { cause, gid });
}
