import {
  DtmArgumentError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  DtmStoreError,
  errorText,
  findDifference,
  type TransactionDetails,
  type TransactionRecord,
  type TransactionRequest,
} from '../../protocol/internal.js';
import type { Store } from '../store/store.js';

/** Ends the message about an unknown gid. */
export const NOT_FOUND_REMEDY = '; prepare or submit it first';

/**
 * Reads a transaction that must exist.
 *
 * @param remedy - ends the message of the error
 * @throws DtmServerError when the gid is unknown
 */
export async function findStored(store: Store, gid: string, remedy = ''): Promise<TransactionDetails> {
  const details = await store.find(gid);
  if (!details) throw notFoundError(gid, remedy);
  return details;
}

/** {@link findStored} without the branches. */
export async function findStoredRecord(store: Store, gid: string, remedy = ''): Promise<TransactionRecord> {
  const transaction = await store.findRecord(gid);
  if (!transaction) throw notFoundError(gid, remedy);
  return transaction;
}

function notFoundError(gid: string, remedy: string): DtmServerError {
  return new DtmServerError(`no TransGlobal with gid: ${gid} found${remedy}`, { gid });
}

/** @throws DtmFailureError when the gid belongs to a transaction of another mode */
export function assertSameMode(transaction: TransactionRecord, { gid, transType }: TransactionRequest): void {
  if (transaction.transType === transType) return;
  throw new DtmFailureError(
    `gid ${gid} belongs to a ${transaction.transType}; choose another gid for the ${transType}`,
    {
      gid,
    },
  );
}

/** @throws DtmFailureError when the transaction cannot be submitted any more */
export function assertPrepared({ gid, status }: TransactionRecord): void {
  if (status === 'prepared') return;
  // the spelling is dtm's
  throw new DtmFailureError(`current status '${status}', cannot sumbmit.`, { gid });
}

/**
 * Refuses a repeated request whose mode, steps or payloads differ from what is stored: it would be acknowledged and ignored.
 *
 * @throws DtmFailureError naming the difference
 */
export function assertSameContent({ transaction, branches }: TransactionDetails, request: TransactionRequest): void {
  assertSameMode(transaction, request);
  const difference = findDifference(request, branches);
  if (difference === undefined) return;
  const { gid, transType } = request;
  throw new DtmFailureError(
    `gid ${gid} is in use by a ${transType} with other content, which differs in: ${difference}; use a new gid for another transaction`,
    { gid },
  );
}

/**
 * The answer to an initiator that waits for the result.
 *
 * @throws DtmFailureError when the transaction is rolled back; DtmOngoingError while it is undecided
 */
export function assertResultSucceeded(details: TransactionDetails): void {
  const { gid, status, rollbackReason } = details.transaction;
  if (status === 'succeed') return;
  if (status === 'failed' || status === 'aborting') throw new DtmFailureError(rollbackReason ?? 'rolled back', { gid });
  throw undecidedError(details);
}

/** Names the last error of a branch that is still undecided. */
export function undecidedError({ transaction, branches }: TransactionDetails): DtmOngoingError {
  const lastError = branches.findLast((branch) => branch.status === 'prepared' && branch.lastError)?.lastError;
  const why = lastError ? `: ${lastError}` : '';
  const heldBack = branches.find((branch) => branch.heldBack);
  const pause = heldBack ? `; calls of branch ${heldBack.branchId} are held back until its target answers` : '';
  const message = `transaction ${transaction.gid} is ${transaction.status}${why}${pause}`;
  return new DtmOngoingError(message, { gid: transaction.gid });
}

/**
 * Answers "not decided" when the store fails on a transaction that exists, or may exist. An error would be read as "nothing
 * was stored", and a repetition under a new gid would run the transaction twice.
 *
 * @param work - reads or changes a stored transaction
 * @throws DtmOngoingError when the store fails; what the work decides
 */
export async function orUndecided<T>(gid: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isDecision(error) ? error : storeFailedError(gid, error);
  }
}

/**
 * Adds a transaction.
 *
 * @returns false when the gid exists
 * @throws DtmOngoingError when the transaction may have been stored; the error of the store when it was not
 */
export async function createStored(store: Store, details: TransactionDetails): Promise<boolean> {
  try {
    return await store.create(details);
  } catch (error) {
    const isUnknown = error instanceof DtmStoreError && error.isOutcomeUnknown;
    throw isUnknown ? storeFailedError(details.transaction.gid, error) : error;
  }
}

function isDecision(error: unknown): boolean {
  return [DtmFailureError, DtmOngoingError, DtmServerError, DtmArgumentError].some((type) => error instanceof type);
}

function storeFailedError(gid: string, cause: unknown): DtmOngoingError {
  // what the store says of its last write is not true of the transaction
  const reason = errorText(cause).replace(/; nothing was stored.*$/, '');
  return new DtmOngoingError(storeFailedText(gid, reason), { cause, gid });
}

/** Says that a transaction may be stored. */
export function storeFailedText(gid: string, reason: string): string {
  return `transaction ${gid} may be stored, but its state is unknown: ${reason}; query it, or repeat the request with the same gid`;
}
