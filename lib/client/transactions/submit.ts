import {
  DtmConfigError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  findDifference,
  type DtmApi,
  type TransactionDetails,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { assertSucceeded } from './assert-succeeded.js';

/**
 * Submits a transaction; with `waitResult` resolves only when it has succeeded.
 *
 * The answer of dtm is ambiguous, so the state of the transaction is read after a refusal. To a submit that waits, dtm
 * answers 409 for "rolled back" and for "not finished". dtm refuses a repeated submit of a transaction that has
 * succeeded; this refusal must not count as a rollback. Where the state cannot be read (Go dtm over gRPC alone), a
 * refusal does not count as a rollback either.
 *
 * @throws DtmFailureError when it was rolled back or refused; DtmOngoingError when (waiting) it is not finished, or when it
 *   was refused and its state cannot be read; what {@link DtmApi} throws
 */
export async function submit(api: DtmApi, request: TransactionRequest): Promise<void> {
  try {
    await api.submit(request);
  } catch (error) {
    const isUndecided = error instanceof DtmOngoingError || error instanceof DtmServerError;
    if (!(error instanceof DtmFailureError || (request.waitResult && isUndecided))) throw error;
    const details = await readState(api, request.gid, error);
    // refused before it was stored, or the gid belongs to another transaction
    if (!details || !isSameTransaction(request, details) || details.transaction.status === 'prepared') throw error;
    if (!request.waitResult && details.transaction.status !== 'succeed') throw error;
    assertSucceeded(details, error);
  }
}

function isSameTransaction(request: TransactionRequest, { transaction, branches }: TransactionDetails): boolean {
  return transaction.transType === request.transType && findDifference(request, branches) === undefined;
}

/** Undefined when the gid is unknown. */
async function readState(api: DtmApi, gid: string, answer: Error): Promise<TransactionDetails | undefined> {
  try {
    return await api.query(gid);
  } catch (error) {
    if (!(error instanceof DtmConfigError)) throw error;
    // only a refusal is ambiguous
    if (!(answer instanceof DtmFailureError)) throw answer;
    throw new DtmOngoingError(
      `dtm refused transaction ${gid} ("${answer.message}"), and the status of the transaction cannot be queried: ` +
        'dtm has no query in its gRPC API, so pass its HTTP API too (dtmGrpcClient, option http); query the status before you repeat the transaction',
      { cause: answer, gid, reason: answer.reason },
    );
  }
}
