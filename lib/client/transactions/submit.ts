import {
  DtmConfigError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  type DtmApi,
  type TransactionDetails,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { assertSucceeded } from './assert-succeeded.js';

/**
 * Submits a transaction. With `waitResult` it resolves only when the transaction succeeded: dtm answers a waiting submit
 * with the same 409 for "rolled back" and for "not finished yet" (docs/protocol.md#waiting-for-the-result), so the state is
 * read instead. Without, a refusal is looked at as well: dtm also refuses what was submitted before and has succeeded by now, which a
 * repeated attempt must not take for a rollback. Where the state cannot be read (Go dtm over gRPC alone), a refusal is not
 * taken for a rollback either, for it may be one, or "not finished", or "has succeeded before".
 *
 * @param api - the coordinator
 * @param request - the transaction
 * @throws DtmFailureError when it was rolled back or refused; DtmOngoingError when (waiting) it is not finished, or when it
 *   was refused and its state cannot be read; what {@link DtmApi} throws
 */
export async function submit(api: DtmApi, request: TransactionRequest): Promise<void> {
  try {
    await api.submit(request);
  } catch (error) {
    const isUndecided = error instanceof DtmOngoingError || error instanceof DtmServerError;
    if (!(error instanceof DtmFailureError || (request.waitResult && isUndecided))) throw error;
    const details = await stateOf(api, request.gid, error);
    // refused before it was stored, or by a transaction of the same gid that is not ours to report
    if (details?.transaction.transType !== request.transType || details.transaction.status === 'prepared') throw error;
    if (!request.waitResult && details.transaction.status !== 'succeed') throw error;
    assertSucceeded(details, error);
  }
}

/** Undefined when the gid is unknown. */
async function stateOf(api: DtmApi, gid: string, answer: Error): Promise<TransactionDetails | undefined> {
  try {
    return await api.query(gid);
  } catch (error) {
    if (!(error instanceof DtmConfigError)) throw error;
    // anything but a refusal means what it says
    if (!(answer instanceof DtmFailureError)) throw answer;
    throw new DtmOngoingError(
      `transaction ${gid}: dtm answered "${answer.message}", which may mean rolled back, not finished, or succeeded ` +
        `before; which of them cannot be read: ${error.message}`,
      { cause: answer, gid },
    );
  }
}
