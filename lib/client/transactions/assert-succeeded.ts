import { DtmFailureError, DtmOngoingError, type TransactionDetails } from '../../protocol/internal.js';

/**
 * Tells how a transaction stands.
 *
 * @param details - as the coordinator has it; returns when it succeeded
 * @param cause - what led to looking
 * @throws DtmFailureError with reason and failing branch when it was rolled back; DtmOngoingError with the time of the next
 *   attempt when it is not finished
 */
export function assertSucceeded({ transaction, branches }: TransactionDetails, cause?: unknown): void {
  const { gid, status, rollbackReason, nextCronTime } = transaction;
  if (status === 'succeed') return;
  const failed = branches.find((branch) => branch.status === 'failed');
  const where = failed ? ` (branch ${failed.branchId} ${failed.url})` : '';
  if (status === 'failed') {
    throw new DtmFailureError(
      `transaction ${gid} was rolled back${where}: ${rollbackReason ?? 'no reason was given'}`,
      { cause, gid },
    );
  }
  const state =
    status === 'aborting'
      ? `is being rolled back${where}: ${rollbackReason ?? 'no reason was given'}`
      : 'is not finished';
  throw new DtmOngoingError(`transaction ${gid} ${state}; next attempt at ${new Date(nextCronTime).toISOString()}`, {
    cause,
    gid,
  });
}
