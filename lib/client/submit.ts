import {
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  type DtmApi,
  type TransactionDetails,
  type TransactionRequest,
} from '../protocol/index.js';

/**
 * Submits a transaction. With `waitResult` it resolves only when the transaction succeeded: dtm answers a waiting submit
 * with the same 409 for "rolled back" and for "not finished yet" (`dtm-protocol.md` §5.1), so the state is read instead.
 * Without, a refusal is looked at as well: dtm also refuses what was submitted before and has succeeded by now, which a
 * repeated attempt must not take for a rollback.
 *
 * @param api - the coordinator
 * @param request - the transaction
 * @throws DtmFailureError when it was rolled back or refused; waiting, DtmOngoingError when it is not finished; what
 *   {@link DtmApi} throws
 */
export async function submit(api: DtmApi, request: TransactionRequest): Promise<void> {
  try {
    await api.submit(request);
  } catch (error) {
    const isUndecided = error instanceof DtmOngoingError || error instanceof DtmServerError;
    if (!(error instanceof DtmFailureError || (request.waitResult && isUndecided))) throw error;
    const details = await api.query(request.gid);
    // refused before it was stored, or by a transaction of the same gid that is not ours to report
    if (details?.transaction.transType !== request.transType || details.transaction.status === 'prepared') throw error;
    if (!request.waitResult && details.transaction.status !== 'succeed') throw error;
    settle(details, error);
  }
}

function settle({ transaction, branches }: TransactionDetails, cause: unknown): void {
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
